import CFuzzer
import Foundation
import Readers

// mmx-fuzz READER [libFuzzer's options and folders]; `make fuzz` builds and runs it. `mmx-fuzz --list` names the readers.

private func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
    exit(64)
}

private let names = OutsideReader.all.map(\.name)
private var arguments = CommandLine.arguments
if arguments.contains("--list") {
    print(names.joined(separator: "\n"))
    exit(0)
}
guard arguments.count > 1, let chosen = OutsideReader.all.first(where: { $0.name == arguments[1] }) else {
    fail("usage: mmx-fuzz READER [options of libFuzzer]; readers: \(names.joined(separator: ", "))")
}
arguments.remove(at: 1)

Target.reader = chosen

// --seeds FOLDER writes the reader's seeds there first.
if let option = arguments.firstIndex(of: "--seeds"), option + 2 < arguments.count {
    let folder = URL(fileURLWithPath: arguments[option + 1])
    let tests = URL(fileURLWithPath: arguments[option + 2])
    Target.seeds = try chosen.seedBytes(tests: tests)
    for (index, seed) in Target.seeds.enumerated() {
        try Data(seed).write(to: folder.appendingPathComponent("seed-\(index)"))
    }
    arguments.removeSubrange(option...option + 2)
}

atexit { Target.report() }

private var count = Int32(arguments.count)
private var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
private let code = pointers.withUnsafeMutableBufferPointer { buffer -> Int32 in
    var start = buffer.baseAddress
    return LLVMFuzzerRunDriver(&count, &start) { Target.run(UnsafeRawBufferPointer(start: $0, count: $1)) }
}
exit(code)
