"""Cyanogenoid/pytorch-vqa and tbmoon/basic_vqa."""
import torch
import torchvision
from torch import nn

from common import *

ANSWERS = "yes no two red white dog beach ball bus".split()
QUESTION_WORDS = "what is the color of dog how many are there on ball in picture man doing a where red cat".split()
QUESTIONS = ["what color is the ball", "how many cat are there in the picture"]


# pytorch-vqa.

K, E, H, A, HIDDEN = 128, 8, 16, 12, 14


class TextProcessor(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(QUESTION_WORDS) + 1, E, padding_idx=0)
        self.lstm = nn.LSTM(E, H, 1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.v_conv = nn.Conv2d(K, A, 1, bias=False)
        self.q_lin = nn.Linear(H, A)
        self.x_conv = nn.Conv2d(A, 2, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.text = TextProcessor()
        self.attention = Attention()
        self.classifier = nn.Sequential()
        self.classifier.add_module("lin1", nn.Linear(2 * K + H, HIDDEN))
        self.classifier.add_module("relu", nn.ReLU())
        self.classifier.add_module("lin2", nn.Linear(HIDDEN, len(ANSWERS)))

    def forward(self, map, question):
        """`map` [1, h, w, K], `question` [words]. The logits and the weights [2, h * w]."""
        _, (_, cell) = self.text.lstm(torch.tanh(self.text.embedding(question))[:, None])
        q = cell[0]
        v = map.permute(0, 3, 1, 2)
        v = v / (v.norm(p=2, dim=1, keepdim=True) + 1e-8)
        x = torch.relu(self.attention.v_conv(v) + self.attention.q_lin(q)[:, :, None, None])
        weights = torch.softmax(self.attention.x_conv(x).flatten(2), 2)[0]
        glimpses = weights @ v.flatten(2)[0].T
        return self.classifier(torch.cat([glimpses.reshape(1, -1), q], 1))[0], weights


def pytorch_vqa():
    # All names as in the file, where DataParallel puts "module." before them. Means of normalised regions are small,
    # so the first layer's weights are larger.
    scales = {"module.classifier.lin1.weight": 4, "module.attention.x_conv.weight": 3}
    net = nn.Module()
    net.module = Net()
    fill(net, "", scales, step=STEP)
    state = {k: v.clone() for k, v in net.state_dict().items()}
    vocab = {
        "question": {w: i + 1 for i, w in enumerate(QUESTION_WORDS)}, "answer": {a: i for i, a in enumerate(ANSWERS)},
    }
    # run() returns lists of elements of one tensor each.
    answers, hits = torch.tensor([0, 3, 3, 8]), torch.tensor([1.0, 0.3, 0.6, 0.0])
    whole("pytorch-vqa.pth", {
        "name": "2017-08-04_00.55.19",
        "tracker": {"train_loss": [[2.5, 2.25], [2.0, 1.5]], "val_acc": [[0.5, 0.25, 0.75, 1.0]]},
        "config": {
            "batch_size": 128, "epochs": 50, "image_size": 448, "initial_lr": 1e-3, "lr_halflife": 50000,
            "max_answers": len(ANSWERS), "output_features": K, "output_size": 14, "central_fraction": 0.875,
            "preprocess_batch_size": 64, "qa_path": "vqa", "task": "OpenEnded", "dataset": "mscoco",
            "vocabulary_path": "vocab.json",
        },
        "weights": net.state_dict(), "vocab": vocab,
        "eval": {"answers": list(answers), "accuracies": list(hits), "idx": list(torch.tensor([4, 2, 0, 1]))},
    })
    net.double()
    map = features("pytorch-vqa", 7, K)
    result = {
        "features": {"name": "pytorch-vqa.features", "shape": list(map.shape)}, "answers": ANSWERS,
        "questionWords": QUESTION_WORDS, "questions": [],
    }
    for text in QUESTIONS:
        ids = [vocab["question"].get(w, 0) for w in text.split()]
        with torch.enable_grad():
            leaf = map.clone().requires_grad_()
            logits, weights = net.module(leaf, torch.tensor(ids))
            best = int(logits.argmax())
            (g,) = torch.autograd.grad(logits[best], leaf)
        result["questions"].append({
            "text": text, "ids": ids, "logits": numbers(logits.detach()), "answer": ANSWERS[best],
            "attention": {"glimpse0First16": numbers(weights[0, :16].detach()),
                          "glimpse1First16": numbers(weights[1, :16].detach())},
            "gradient": gradient(g),
        })
        print("pytorch-vqa", text, ANSWERS[best], result["questions"][-1]["logits"], flush=True)
    write_json("pytorch-vqa.json", result)


# basic_vqa.

IMAGE, WORD, STATE = 24, 10, 12


class ImgEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        with torch.device("meta"):
            model = torchvision.models.vgg19(weights=None)
            model.classifier = nn.Sequential(*list(model.classifier.children())[:-1])
        self.model = model.to_empty(device="cpu")
        self.fc = nn.Linear(4096, IMAGE)


class QstEncoder(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.word2vec = nn.Embedding(words, WORD)
        self.tanh = nn.Tanh()
        self.lstm = nn.LSTM(WORD, STATE, 2)
        self.fc = nn.Linear(4 * STATE, IMAGE)


class VqaModel(nn.Module):
    def __init__(self, words, answers):
        super().__init__()
        self.img_encoder = ImgEncoder()
        self.qst_encoder = QstEncoder(words)
        self.tanh = nn.Tanh()
        self.fc1 = nn.Linear(IMAGE, answers)
        self.fc2 = nn.Linear(answers, answers)

    def image(self, map, detached):
        """From relu5_4: the pool, fc6, ReLU, fc7, ReLU, fc and its length."""
        x = nn.functional.max_pool2d(map.permute(0, 3, 1, 2), 2)
        v = self.img_encoder.fc(self.img_encoder.model.classifier(x.flatten(1)))
        norm = v.norm(p=2, dim=1, keepdim=True)
        return v / (norm.detach() if detached else norm)

    def question(self, ids):
        _, (h, c) = self.qst_encoder.lstm(torch.tanh(self.qst_encoder.word2vec(ids))[:, None])
        return self.qst_encoder.fc(torch.tanh(torch.cat([h[0], c[0], h[1], c[1]], 1)))

    def scores(self, image, question):
        return self.fc2(torch.tanh(self.fc1(torch.tanh(image * question))))[0]


def basic_vqa():
    words = ["<pad>", "<unk>"] + sorted(QUESTION_WORDS)
    answers = ["<unk>"] + ANSWERS[:8]
    model = VqaModel(len(words), len(answers))
    state = model.state_dict()
    # Larger than the formula, so that the question outlives its padding and the answers differ.
    scales = {"qst_encoder.word2vec.weight": 3, "qst_encoder.fc.weight": 3, "fc1.weight": 4, "fc2.weight": 3}
    scales |= {f"qst_encoder.lstm.weight_hh_l{layer}": 3 for layer in (0, 1)}
    template("basic_vqa", {"epoch": 30, "state_dict": state}, state, {k: {"scale": v} for k, v in scales.items()})
    write("basic_vqa-vocab_questions.txt", ("\n".join(words) + "\n").encode())
    write("basic_vqa-vocab_answers.txt", ("\n".join(answers) + "\n").encode())
    fill(model, "", scales)
    model.img_encoder.model.features = nn.Identity()
    model.double()
    map = features("basic_vqa", 14, 512)
    result = {
        "features": {"name": "basic_vqa.features", "shape": list(map.shape)}, "answers": answers,
        "questionWords": words, "epoch": 30, "questions": [],
    }
    for text in QUESTIONS:
        ids = [words.index(w) for w in text.split()]
        ids += [0] * (30 - len(ids))
        gradients = {}
        for detached in (True, False):
            with torch.enable_grad():
                leaf = map.clone().requires_grad_()
                vector = model.image(leaf, detached)
                logits = model.scores(vector, model.question(torch.tensor(ids)))
                best = int(logits.argmax())
                (g,) = torch.autograd.grad(logits[best], leaf)
            gradients["gradientDetachedNorm" if detached else "gradientTrue"] = gradient(g, 1999)
        result["questions"].append({
            "text": text, "ids": ids, "logits": numbers(logits.detach()), "answer": answers[best],
            "imageVector": numbers(vector.detach()), **gradients,
        })
        print("basic_vqa", text, answers[best], result["questions"][-1]["logits"], flush=True)
    write_json("basic_vqa.json", result)
