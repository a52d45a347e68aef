import Foundation
import TestSupport

// toy-world [--questions | --twins] FOLDER [TRAIN DEV SEED]: writes the drawn world that the toy captioners are trained
// on, or, with --questions, that of the toy VQA model, or, with --twins, scenes of two shapes of one form.
let options = ["--questions", "--twins"]
let option = CommandLine.arguments.dropFirst().first.flatMap { options.contains($0) ? $0 : nil }
let arguments = Array(CommandLine.arguments.dropFirst(option == nil ? 1 : 2))
guard let path = arguments.first, !path.hasPrefix("-") else {
    FileHandle.standardError.write(Data("usage: toy-world [--questions | --twins] FOLDER [TRAIN DEV SEED]\n".utf8))
    exit(64)
}
func number(_ index: Int, _ fallback: Int) -> Int {
    arguments.count > index ? Int(arguments[index]) ?? fallback : fallback
}
let folder = URL(fileURLWithPath: path), seed = UInt64(number(3, 7))
let (train, dev) = (number(1, 5000), number(2, 200))
switch option {
case "--questions": try writeToyQuestions(to: folder, seed: seed, train: train, dev: dev)
case "--twins": try writeToyTwins(to: folder, seed: seed, train: train, dev: dev)
default: try writeToyWorld(to: folder, seed: seed, train: train, dev: dev)
}
