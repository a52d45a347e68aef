import CFuzzer
import Foundation
import Readers

/// What libFuzzer calls: C functions see global values only. One thread uses them.
enum Target {
    nonisolated(unsafe) static var reader: OutsideReader?
    /// Inputs that are read; some mutations begin with one of them, because libFuzzer's corpus fills with refused ones.
    nonisolated(unsafe) static var seeds: [[UInt8]] = []
    nonisolated(unsafe) private static var read = 0
    nonisolated(unsafe) private static var refused = 0

    /// Reads one input. A fault of the reader ends the process, and libFuzzer keeps the input.
    static func run(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        do {
            switch try reader?(bytes) {
            case .read: read += 1
            case .refused, nil: refused += 1
            }
        } catch {
            fatalError("an error that is not for people: \(type(of: error)): \(error)")
        }
        return 0
    }

    /// Says how many inputs were read.
    static func report() {
        let all = read + refused
        let share = String(format: "%.1f", 100 * Double(read) / Double(max(1, all)))
        FileHandle.standardError.write(
            Data("\(reader?.name ?? ""): \(all) inputs, \(share) % read, the rest refused\n".utf8))
    }
}

/// Half of the inputs begin with a seed, because libFuzzer's corpus fills with inputs that are refused. Where the reader
/// has a structure, three of four changes keep it; the others are libFuzzer's own.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ most: Int, _ seed: UInt32) -> Int {
    var random = SeededNumbers(UInt64(seed))
    let seeds = Target.seeds
    let start =
        !seeds.isEmpty && random.below(2) == 0
        ? seeds[random.below(seeds.count)] : Array(UnsafeBufferPointer(start: data, count: size))
    let structure = random.below(4) > 0 ? Target.reader?.structure : nil
    let bytes = structure?.mutated(start, &random) { plain, _ in changed(plain) } ?? changed(start)
    let count = min(bytes.count, most)
    for i in 0..<count { data[i] = bytes[i] }
    return count
}

/// libFuzzer's own changes.
private func changed(_ bytes: [UInt8]) -> [UInt8] {
    if bytes.isEmpty { return bytes }
    let room = bytes.count + 64
    return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        _ = buffer.update(fromContentsOf: bytes)
        count = LLVMFuzzerMutate(buffer.baseAddress, bytes.count, room)
    }
}
