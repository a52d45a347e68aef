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

/// What libFuzzer calls; C functions see no local values.
private enum Target {
    nonisolated(unsafe) static var reader = chosen
    nonisolated(unsafe) static var read = 0
    nonisolated(unsafe) static var refused = 0
}

// --seeds FOLDER writes the reader's seeds there first.
if let option = arguments.firstIndex(of: "--seeds"), option + 2 < arguments.count {
    let folder = URL(fileURLWithPath: arguments[option + 1])
    let tests = URL(fileURLWithPath: arguments[option + 2])
    for (index, seed) in try chosen.seedBytes(tests: tests).enumerated() {
        try Data(seed).write(to: folder.appendingPathComponent("seed-\(index)"))
    }
    arguments.removeSubrange(option...option + 2)
}

atexit {
    let all = max(1, Target.read + Target.refused)
    let share = String(format: "%.1f", 100 * Double(Target.read) / Double(all))
    FileHandle.standardError.write(
        Data("\(Target.reader.name): \(all) inputs, \(share) % read, the rest refused\n".utf8))
}

/// Three of four mutations keep the structure; libFuzzer's own change the bytes.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ most: Int, _ seed: UInt32) -> Int {
    guard let structure = Target.reader.structure, seed % 4 > 0 else { return LLVMFuzzerMutate(data, size, most) }
    var random = SeededNumbers(UInt64(seed))
    let bytes = structure.mutated(Array(UnsafeBufferPointer(start: data, count: size)), &random) { plain, _ in
        let room = plain.count + 64
        return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            _ = buffer.update(fromContentsOf: plain)
            count =
                plain.isEmpty || buffer.baseAddress == nil ? 0 : LLVMFuzzerMutate(buffer.baseAddress, plain.count, room)
        }
    }
    let count = min(bytes.count, most)
    for i in 0..<count { data[i] = bytes[i] }
    return count
}

private var count = Int32(arguments.count)
private var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
private let code = pointers.withUnsafeMutableBufferPointer { buffer -> Int32 in
    var start = buffer.baseAddress
    return LLVMFuzzerRunDriver(&count, &start) { data, size in
        do {
            switch try Target.reader(UnsafeRawBufferPointer(start: data, count: size)) {
            case .read: Target.read += 1
            case .refused: Target.refused += 1
            }
        } catch {
            fatalError("an error that is not for people: \(type(of: error)): \(error)")
        }
        return 0
    }
}
exit(code)
