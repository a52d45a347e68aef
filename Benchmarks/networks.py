"""Whole networks, with the same seeded weights on both sides: Grad-CAM and Guided Grad-CAM, the forward pass, RISE."""
import os
import statistics
import subprocess

from turns import ENVIRONMENT, HERE, Worker, head, in_turns, row, same_map

CLASS = 243  # any; weights are random


def peer(options, **environment):
    return Worker(options.python, os.path.join(HERE, "peer_networks.py"), **environment)


def imported(options, torch, folder, name):
    """Makes weights in PyTorch and a model folder of them with `mmx model import`."""
    weights, model = os.path.join(folder, f"{name}.pth"), os.path.join(folder, name)
    if not os.path.exists(model):
        torch("weights", name=name, output=weights)
        command = [os.path.join(options.build, "mmx"), "model", "import", weights, "--encoder", name, "--output", model]
        subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
    return weights, model


def both(options, mmx, folder, photo, name):
    """Loads the network in mmx and in PyTorch, with the same picture; PyTorch's threads wait as is faster here (`best_peer` in bench.py).

    Returns PyTorch's worker and what another peer needs to load the same."""
    policies = [{}, {"OMP_WAIT_POLICY": "passive"}] if options.threads > 1 else [{}]
    workers = [peer(options, **policy) for policy in policies]
    weights, model = imported(options, workers[0], folder, name)
    loading = {"name": name, "weights": weights, "model": model, "photo": os.path.join(folder, f"{name}.npy")}
    mmx("load-classifier", model=model)
    mmx("prepare-class", photo=photo, output=loading["photo"])
    layouts = [worker("load", **loading)["layout"] for worker in workers]
    times = in_turns(7, *[lambda worker=worker: worker("logits")[options.clock] for worker in workers])
    chosen = min(range(len(workers)), key=lambda i: statistics.median(times[i]))
    for worker in workers:
        if worker is not workers[chosen]:
            worker.close()
    ENVIRONMENT.update(policies[chosen])
    print(f"\n{name}: PyTorch is fastest with its tensors {layouts[chosen]} and OMP_WAIT_POLICY {'passive' if chosen else 'as it is'}")
    return workers[chosen], loading


def maps(options, mmx, others, folder, name, method, **request):
    """A map of one class against each of `others` (name, worker, command), equal to theirs before anything is timed."""
    ours = os.path.join(folder, "mmx-map.npy")
    a = mmx("explain-class", method=method, index=CLASS, output=ours, **request)
    apart = []
    for label, worker, command in others:
        theirs = os.path.join(folder, "peer-map.npy")
        worker(command, index=CLASS, output=theirs, **request)
        # Back to the pixels, rounding decides what passes a ReLU whose input is nearly 0, and which of equal values in a flat part of
        # the picture was the largest of a pool: PyTorch's own two layouts differ by 1 to 5 % of the largest value at single pixels.
        apart.append(same_map(f"{name}, {label}", ours, theirs, on_average=method == "guided-grad-cam"))
    bodies = [lambda: mmx("explain-class", method=method, index=CLASS, **request)[options.clock]]
    bodies += [lambda w=worker, c=command: w(c, index=CLASS, **request)[options.clock] for _, worker, command in others]
    rounds = max(3, options.rounds // 4) if method == "rise" else options.rounds
    times = in_turns(rounds, *bodies, burst=1 if method == "rise" else 4)
    for (label, _, _), theirs, distance in zip(others, times[1:], apart):
        row(f"{name}, {label}", times[0], theirs, note=f"maps differ by {distance:.0e} of their {'mean' if method == 'guided-grad-cam' else 'largest value'}", peer=label)
    return times


def gradcam(options, mmx, folder, photo):
    for name in ("vgg16", "resnet50"):
        torch, loading = both(options, mmx, folder, photo, name)
        library = peer(options)
        library("load", **loading)
        head(f"{name}, one picture: forward and the Grad-CAM map of one class at the last feature map", "peer")
        maps(options, mmx, [("autograd", torch, "grad-cam"), ("pytorch-grad-cam", library, "library-grad-cam")], folder, name, "grad-cam")
        if name == "vgg16":
            head("vgg16, one picture: Guided Grad-CAM, back to the pixels", "peer")
            maps(options, mmx, [("autograd", torch, "guided-grad-cam"), ("captum", library, "library-guided-grad-cam")], folder,
                 f"{name} guided", "guided-grad-cam")
        torch.close()
        library.close()


def forward(options, mmx, folder, photo, name="efficientnet-lite0"):
    torch, loading = both(options, mmx, folder, photo, name)
    onnxruntime, openvino = peer(options), peer(options)
    network = os.path.join(folder, f"{name}.onnx")
    torch("export", output=network)
    versions = [worker(command, network=network, photo=loading["photo"])["version"]
                for worker, command in ((onnxruntime, "load-onnxruntime"), (openvino, "load-openvino"))]
    others = [("PyTorch, eager", torch, "logits", {}), (f"ONNX Runtime {versions[0]}", onnxruntime, "run", {}),
              (f"OpenVINO {versions[1].split('-')[0]}", openvino, "run", {})]
    if options.compile:
        compiled = torch("compile-network")
        if compiled["works"]:
            others.insert(1, ("PyTorch, compiled", torch, "logits", {"compiled": True}))
        else:
            print(f"torch.compile does not work here ({compiled['why']})")
    ours, theirs = os.path.join(folder, "mmx-logits.npy"), os.path.join(folder, "peer-logits.npy")
    mmx("classify", output=ours)
    apart = []
    for label, worker, command, request in others:
        worker(command, output=theirs, **request)
        apart.append(same_map(label, ours, theirs))
    head(f"{name}: logits of one picture", "peer")
    times = in_turns(options.rounds, lambda: mmx("classify")[options.clock],
                     *[lambda w=w, c=c, r=r: w(c, **r)[options.clock] for _, w, c, r in others])
    for (label, *_), its, distance in zip(others, times[1:], apart):
        row(f"{name}, {label}", times[0], its, note=f"logits differ by {distance:.0e} of the largest", peer=label)
    for worker in (torch, onnxruntime, openvino):
        worker.close()


def rise(options, mmx, folder, photo, masks=2000):
    """Masks are independent of one another, so a part of them is timed and the rest is extrapolated."""
    torch, _ = both(options, mmx, folder, photo, "resnet50")
    count = options.masks
    head(f"resnet50, RISE: {count} masks of one picture, mmx in batches of 8, PyTorch of 16", "PyTorch")
    times = maps(options, mmx, [("PyTorch", torch, "rise")], folder, f"resnet50 RISE, {count} masks", "rise", samples=count)
    if count != masks:
        row(f"{masks} masks, extrapolated", *times, unit="s", scale=masks / count / 1e3, note="(in proportion)")
    torch.close()


PARTS = {"gradcam": gradcam, "forward": forward, "rise": rise}
