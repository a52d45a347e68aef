import Foundation
import TestSupport

// toy-world FOLDER [TRAIN DEV SEED]: writes the drawn world that the toy captioners are trained on.
let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
    FileHandle.standardError.write(Data("usage: toy-world FOLDER [TRAIN DEV SEED]\n".utf8))
    exit(64)
}
func number(_ index: Int, _ fallback: Int) -> Int { arguments.count > index ? Int(arguments[index]) ?? fallback : fallback }
try writeToyWorld(to: URL(fileURLWithPath: arguments[1]), seed: UInt64(number(4, 7)), train: number(2, 5000), dev: number(3, 200))
