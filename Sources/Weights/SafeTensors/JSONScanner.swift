/// A strict JSON reader for what a safetensors header or an index may hold: objects, strings, arrays of whole numbers,
/// and other values that are skipped. It counts each string and number against the budget. It never recurses by itself,
/// so the text cannot make it run out of stack. (`JSONSerialization` takes milliseconds to start, accepts duplicate
/// keys, and builds a tree first.)
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private let budget: ReadingBudget
    /// What the text is, for messages.
    private let what: String

    init(_ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget, of what: String = "header") {
        self.bytes = bytes
        self.budget = budget
        self.what = what
    }

    /// Calls `member` after each key; it must read the value.
    mutating func object(_ member: (String, inout JSONScanner) throws -> Void) throws {
        try expect("{")
        if skip("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(key, &self)
        } while skip(",")
        try expect("}")
    }

    /// An array of whole numbers that are not negative, `atMost` of them.
    mutating func integers(_ what: String, atMost limit: Int) throws -> [Int] {
        var result: [Int] = []
        try expect("[")
        if skip("]") { return result }
        repeat {
            if result.count == limit { throw FileProblem("has more than \(limit) numbers in \(what)") }
            result.append(try integer(what))
        } while skip(",")
        try expect("]")
        return result
    }

    /// Skips a value of any kind. Within it only the brackets and the strings are checked.
    mutating func skipValue() throws {
        var depth = 0
        repeat {
            skipSpace()
            guard position < bytes.count else { throw problem("a value") }
            switch bytes[position] {
            case UInt8(ascii: "\""): _ = try string()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { throw problem("a value") }
                depth -= 1
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                if depth == 0 { throw problem("a value") }
                position += 1
            default:
                // A number, true, false or null.
                let start = position
                while position < bytes.count, case let byte = bytes[position], Self.isOfWord(byte) { position += 1 }
                if position == start { throw problem("a value") }
            }
        } while depth > 0
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
        default: false
        }
    }

    /// Nothing but white space may follow.
    mutating func finish() throws {
        skipSpace()
        if position != bytes.count { throw problem("the end") }
    }

    private mutating func integer(_ what: String) throws -> Int {
        try budget.step()
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position], digit >= 0x30 && digit <= 0x39 {
            let (tens, first) = value.multipliedReportingOverflow(by: 10)
            let (next, second) = tens.addingReportingOverflow(Int(digit - 0x30))
            if first || second { throw FileProblem("has a number in \(what) that is too large") }
            value = next
            position += 1
        }
        let digits = position - start
        if digits == 0 || (digits > 1 && bytes[start] == 0x30) {
            position = start
            throw problem("a whole number, 0 or more, in \(what)")
        }
        return value
    }

    mutating func string() throws -> String {
        try budget.step()
        try expect("\"")
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                defer { position += 1 }
                return try text(bytes[start..<position])
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw problem("a string without control characters")
            default: position += 1
            }
        }
        throw problem("the end of a string")
    }

    /// The rest of a string that has escapes; slower, and rare in names of tensors.
    private mutating func escapedString(from start: Int) throws -> String {
        var units = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return try units.withUnsafeBytes { try text($0[...]) } }
            if byte < 0x20 { throw problem("a string without control characters") }
            if byte != UInt8(ascii: "\\") {
                units.append(byte)
                continue
            }
            guard position < bytes.count else { break }
            let escape = bytes[position]
            position += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(escape)
            case UInt8(ascii: "b"): units.append(8)
            case UInt8(ascii: "t"): units.append(9)
            case UInt8(ascii: "n"): units.append(10)
            case UInt8(ascii: "f"): units.append(12)
            case UInt8(ascii: "r"): units.append(13)
            case UInt8(ascii: "u"): units.append(contentsOf: String(try unicodeEscape()).utf8)
            default: throw problem("an escape that JSON knows")
            }
        }
        throw problem("the end of a string")
    }

    private mutating func unicodeEscape() throws -> Character {
        var code = try hexadecimal()
        if code & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == 0x5C, bytes[position + 1] == 0x75 {
            position += 2
            let low = try hexadecimal()
            if low & 0xFC00 != 0xDC00 { throw problem("the second half of a surrogate pair") }
            code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
        }
        guard let scalar = Unicode.Scalar(code) else { throw problem("a Unicode character") }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard bytes.count - position >= 4 else { throw problem("four hexadecimal digits") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue, bytes[position] < 0x80 else {
                throw problem("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func text(_ slice: Slice<UnsafeRawBufferPointer>) throws -> String {
        guard let result = String(validating: slice, as: UTF8.self) else { throw problem("text in UTF-8") }
        return result
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        if !skip(character) { throw problem("\(character)") }
    }

    private func problem(_ expected: String) -> FileProblem {
        FileProblem("has a broken \(what): \(expected) expected at byte \(position) of \(bytes.count)")
    }
}

// MARK: Values of any kind

extension JSONScanner {
    /// Objects and arrays within each other. Descriptions of networks have about ten.
    private static let deepest = 64

    /// All of `bytes` as one value.
    /// - Parameter what: what it is, for messages.
    static func plainValue(_ bytes: UnsafeRawBufferPointer, _ budget: ReadingBudget, of what: String) throws
        -> PlainValue
    {
        var scanner = JSONScanner(bytes, budget, of: what)
        let value = try scanner.plainValue(depth: 0)
        try scanner.finish()
        return value
    }

    private mutating func plainValue(depth: Int) throws -> PlainValue {
        try budget.step()
        if depth > Self.deepest { throw problem("at most \(Self.deepest) objects and arrays within each other") }
        skipSpace()
        guard position < bytes.count else { throw problem("a value") }
        switch bytes[position] {
        case UInt8(ascii: "{"):
            var entries: [PlainValue.Entry] = []
            var keys: Set<String> = []
            try object { key, scanner in
                guard keys.insert(key).inserted else { throw FileProblem("has '\(key)' twice in its \(scanner.what)") }
                entries.append(.init(.text(key), try scanner.plainValue(depth: depth + 1)))
            }
            return .dictionary(entries)
        case UInt8(ascii: "["):
            var items: [PlainValue] = []
            position += 1
            if skip("]") { return .list(items) }
            repeat { items.append(try plainValue(depth: depth + 1)) } while skip(",")
            try expect("]")
            return .list(items)
        case UInt8(ascii: "\""):
            let text = try string()
            try budget.allocate(text.utf8.count)
            return .text(text)
        default: return try word()
        }
    }

    /// A number, `true`, `false`, `null`, or what Python writes for numbers that JSON does not have.
    private mutating func word() throws -> PlainValue {
        let start = position
        while position < bytes.count, Self.isOfWord(bytes[position]) { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .none
        case "NaN": return .real(.nan)
        case "Infinity": return .real(.infinity)
        case "-Infinity": return .real(-.infinity)
        default: break
        }
        // Swift's numbers may also begin with a plus, or be hexadecimal.
        let isNumber = word.utf8.first != UInt8(ascii: "+") && word.utf8.count <= 64
        guard isNumber, word.unicodeScalars.allSatisfy({ "0123456789+-.eE".unicodeScalars.contains($0) }),
            let real = Double(word)
        else {
            position = start
            throw problem("a value")
        }
        return Int(word).map { .integer($0) } ?? .real(real)
    }
}
