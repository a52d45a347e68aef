import Foundation

extension OutsideReader.Structure {
    /// Changes the content of `bytes` and keeps its form, so that readers do not stop at the first checksum. Bytes
    /// without the form are changed as they are.
    public func mutated(
        _ bytes: [UInt8], _ random: inout SeededNumbers, plain: ([UInt8], inout SeededNumbers) -> [UInt8]
    ) -> [UInt8] {
        switch self {
        case .zip:
            guard var archive = ZipForm(bytes) else { return plain(bytes, &random) }
            archive.mutate(&random, plain: plain)
            return archive.bytes
        case .pickle: return PickleForm.mutated(bytes, &random, plain: plain)
        case .png: return PNGForm.withChecksums(plain(bytes, &random))
        case .json: return JSONForm.mutated(bytes, &random) ?? plain(bytes, &random)
        }
    }
}

/// CRC-32 as zip and PNG have it.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
    var value: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
    }
    return ~value
}

private func littleEndian(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// The members of a zip archive that are stored or deflated, from its local headers.
private struct ZipForm {
    private struct Member {
        var name: [UInt8]
        var method: Int
        var content: [UInt8]
        /// Of the unpacked content.
        var size: Int
        var checksum: UInt32
    }

    private var members: [Member] = []

    init?(_ bytes: [UInt8]) {
        func number(_ at: Int, _ count: Int) -> Int? {
            guard at + count <= bytes.count else { return nil }
            return (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
        }
        guard bytes.count >= 22, let end = (0...bytes.count - 22).last(where: { number($0, 4) == 0x0605_4B50 }),
            let count = number(end + 10, 2), var at = number(end + 16, 4)
        else { return nil }
        for _ in 0..<min(count, 1000) {
            guard number(at, 4) == 0x0201_4B50, let method = number(at + 10, 2), let crc = number(at + 16, 4),
                let packed = number(at + 20, 4), let size = number(at + 24, 4), let name = number(at + 28, 2),
                let extra = number(at + 30, 2), let comment = number(at + 32, 2), let local = number(at + 42, 4),
                let localName = number(local + 26, 2), let localExtra = number(local + 28, 2)
            else { return nil }
            let start = local + 30 + localName + localExtra
            guard at + 46 + name <= bytes.count, start + packed <= bytes.count else { return nil }
            members.append(
                Member(
                    name: Array(bytes[at + 46..<at + 46 + name]), method: method,
                    content: Array(bytes[start..<start + packed]), size: size, checksum: UInt32(crc)))
            at += 46 + name + extra + comment
        }
        if members.isEmpty { return nil }
    }

    mutating func mutate(_ random: inout SeededNumbers, plain: ([UInt8], inout SeededNumbers) -> [UInt8]) {
        let index = random.below(members.count)
        switch random.below(10) {
        case 0: members.remove(at: index)
        case 1: members.append(members[index])
        case 2: members[index].name = plain(members[index].name, &random)
        case 3: members[index].size = [0, 1, 1 << 20, 0xFFFF_FFFF][random.below(4)]
        case 4: members.swapAt(index, random.below(members.count))
        default:
            // A pickle, where there is one, decides the most.
            let pickle = members.firstIndex { $0.name.suffix(4).elementsEqual(".pkl".utf8) }
            let chosen = random.below(2) == 0 ? pickle ?? index : index
            let isPickle = chosen == pickle
            let content = members[chosen].content
            members[chosen].content =
                isPickle ? PickleForm.mutated(content, &random, plain: plain) : plain(content, &random)
            if members[chosen].method == 0 {
                members[chosen].size = members[chosen].content.count
                members[chosen].checksum = checksum(members[chosen].content)
            }
        }
    }

    /// The archive: the members, their directory, its end.
    var bytes: [UInt8] {
        var result: [UInt8] = [], directory: [UInt8] = []
        for member in members {
            let common =
                littleEndian(member.method, 2) + littleEndian(0, 4) + littleEndian(Int(member.checksum), 4)
                + littleEndian(member.content.count, 4) + littleEndian(member.size, 4)
                + littleEndian(member.name.count, 2)
            directory += littleEndian(0x0201_4B50, 4) + littleEndian(20, 2) + littleEndian(20, 2) + littleEndian(0, 2)
            directory += common + littleEndian(0, 12) + littleEndian(result.count, 4) + member.name
            result += littleEndian(0x0403_4B50, 4) + littleEndian(20, 2) + littleEndian(0, 2) + common
            result += littleEndian(0, 2) + member.name + member.content
        }
        let start = result.count
        result += directory + littleEndian(0x0605_4B50, 4) + littleEndian(0, 4)
        result += littleEndian(members.count, 2) + littleEndian(members.count, 2)
        return result + littleEndian(directory.count, 4) + littleEndian(start, 4) + littleEndian(0, 2)
    }
}

/// A pickle as a list of instructions (Python's pickletools).
private enum PickleForm {
    /// Changes one to three instructions: leaves some out, repeats them, puts new ones in.
    static func mutated(
        _ bytes: [UInt8], _ random: inout SeededNumbers, plain: ([UInt8], inout SeededNumbers) -> [UInt8]
    ) -> [UInt8] {
        var instructions = instructions(of: bytes)
        if instructions.count < 3 { return plain(bytes, &random) }
        for _ in 0...random.below(2) {
            let at = random.below(instructions.count)
            switch random.below(6) {
            case 0: if instructions.count > 1 { instructions.remove(at: at) }
            case 1: instructions.insert(instructions[random.below(instructions.count)], at: at)
            case 2: instructions.swapAt(at, random.below(instructions.count))
            case 3: instructions[at] = plain(instructions[at], &random)
            case 4:
                let end = min(instructions.count, at + 1 + random.below(8))
                instructions.insert(contentsOf: instructions[at..<end], at: at)
            default: instructions.insert(fresh[random.below(fresh.count)], at: at)
            }
        }
        return Array(instructions.joined())
    }

    /// Instructions that build, share and call.
    private static let fresh: [[UInt8]] = [
        Array("(".utf8), Array("]".utf8), Array("}".utf8), Array(")".utf8), Array("t".utf8), Array("l".utf8),
        Array("d".utf8), Array("e".utf8), Array("u".utf8), Array("s".utf8), Array("a".utf8), Array("R".utf8),
        Array("b".utf8), Array("2".utf8), Array("0".utf8), Array("1".utf8), Array("N".utf8), Array("q\0".utf8),
        Array("h\0".utf8), Array("h\u{1}".utf8), [0x85], [0x86], [0x87], [0x81], [0x94], [0x8F], [0x90], [0x93], [0x88],
        Array("Q".utf8), Array("K\u{7F}".utf8), [0x4A, 0xFF, 0xFF, 0xFF, 0x7F], Array("I1000000000\n".utf8),
        Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8), Array("ccollections\nOrderedDict\n".utf8),
        Array("cos\nsystem\n".utf8), Array("ctorch\nSize\n".utf8), Array("cnumpy.core.multiarray\n_reconstruct\n".utf8),
    ]

    /// The instructions from the first on; what cannot be told apart is the last.
    private static func instructions(of bytes: [UInt8]) -> [[UInt8]] {
        var result: [[UInt8]] = [], at = 0
        while at < bytes.count {
            let length = min(bytes.count - at, length(of: bytes, at: at))
            result.append(Array(bytes[at..<at + length]))
            at += length
        }
        return result
    }

    private static func length(of bytes: [UInt8], at: Int) -> Int {
        func number(_ count: Int) -> Int {
            guard at + count < bytes.count else { return 0 }
            return (0..<count).reduce(0) { $0 | Int(bytes[at + 1 + $1]) << (8 * $1) }
        }
        func line(_ from: Int) -> Int {
            from < bytes.count ? (bytes[from...].firstIndex(of: 0x0A) ?? bytes.count - 1) + 1 : bytes.count
        }
        switch bytes[at] {
        case UInt8(ascii: "K"), UInt8(ascii: "q"), UInt8(ascii: "h"), 0x80, 0x82: return 2
        case UInt8(ascii: "M"), 0x83: return 3
        case UInt8(ascii: "J"), UInt8(ascii: "r"), UInt8(ascii: "j"), 0x84: return 5
        case UInt8(ascii: "G"), 0x95: return 9
        case UInt8(ascii: "U"), UInt8(ascii: "C"), 0x8A, 0x8C: return 2 + number(1)
        case UInt8(ascii: "X"), UInt8(ascii: "T"), UInt8(ascii: "B"), 0x8B:
            return 5 + max(0, min(number(4), bytes.count))
        case 0x8D, 0x8E, 0x96: return 9 + max(0, min(number(7), bytes.count))
        case UInt8(ascii: "c"), UInt8(ascii: "i"): return line(line(at + 1)) - at
        case UInt8(ascii: "I"), UInt8(ascii: "F"), UInt8(ascii: "L"), UInt8(ascii: "S"), UInt8(ascii: "V"),
            UInt8(ascii: "p"), UInt8(ascii: "g"), UInt8(ascii: "P"):
            return line(at + 1) - at
        default: return 1
        }
    }
}

private enum PNGForm {
    /// The chunks with the checksums of their bytes, as far as there are chunks.
    static func withChecksums(_ file: [UInt8]) -> [UInt8] {
        var result = Array(file.prefix(8)), at = 8
        while at + 12 <= file.count {
            let length = file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= file.count - at - 12 else { break }
            let chunk = Array(file[at + 4..<at + 8 + length])
            result += file[at..<at + 4] + chunk
            result += littleEndian(Int(checksum(chunk)), 4).reversed()
            at += 12 + length
        }
        return result + file[min(at, file.count)...]
    }
}

private enum JSONForm {
    /// One to three values of the tree left out, doubled, or replaced by another kind of value or another size; nil for
    /// what is no JSON.
    static func mutated(_ bytes: [UInt8], _ random: inout SeededNumbers) -> [UInt8]? {
        guard var value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) else {
            return nil
        }
        for _ in 0...random.below(3) { value = changed(value, &random) }
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        return (try? JSONSerialization.data(withJSONObject: value, options: options)).map { [UInt8]($0) }
    }

    private static func changed(_ value: Any, _ random: inout SeededNumbers) -> Any {
        if var object = value as? [String: Any], !object.isEmpty, random.below(8) > 0 {
            let key = object.keys.sorted()[random.below(object.count)]
            switch random.below(10) {
            case 0: object[key] = nil
            case 1: object[key + "x"] = object[key]
            default: object[key] = changed(object[key] ?? 0, &random)
            }
            return object
        }
        if var list = value as? [Any], !list.isEmpty, random.below(8) > 0 {
            let index = random.below(list.count)
            switch random.below(10) {
            case 0: list.remove(at: index)
            case 1: list.append(list[index])
            default: list[index] = changed(list[index], &random)
            }
            return list
        }
        switch random.below(14) {
        case 0: return NSNull()
        case 1: return random.below(2) == 0
        case 2: return [value]
        case 3: return ["key": value]
        case 4: return [Any]()
        case 5: return String(repeating: "../", count: random.below(4)) + "a b\u{202E}\n"
        case 6: return ""
        case 7: return Int.max
        case 8: return -1
        case 9: return 1e300
        case 10: return 0
        default:
            if let number = value as? Int { return number &* (random.below(4) + 1) &- random.below(3) }
            return value
        }
    }
}
