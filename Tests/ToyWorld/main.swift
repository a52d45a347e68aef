import Foundation
import TestSupport

// toy-world [--questions] FOLDER [TRAIN DEV SEED]: writes the drawn world that the toy captioners are trained on, or,
// with --questions, that of the toy VQA model.
let asksQuestions = CommandLine.arguments.dropFirst().first == "--questions"
let arguments = Array(CommandLine.arguments.dropFirst(asksQuestions ? 2 : 1))
guard let path = arguments.first, !path.hasPrefix("-") else {
    FileHandle.standardError.write(Data("usage: toy-world [--questions] FOLDER [TRAIN DEV SEED]\n".utf8))
    exit(64)
}
func number(_ index: Int, _ fallback: Int) -> Int {
    arguments.count > index ? Int(arguments[index]) ?? fallback : fallback
}
let folder = URL(fileURLWithPath: path), seed = UInt64(number(3, 7))
let (train, dev) = (number(1, 5000), number(2, 200))
if asksQuestions {
    try writeToyQuestions(to: folder, seed: seed, train: train, dev: dev)
} else {
    try writeToyWorld(to: folder, seed: seed, train: train, dev: dev)
}
