/// The pickle instructions, of all protocols, that build values. None of them runs code here: those that would call
/// something in Python make a record of it (see ``PickleGlobal``).
enum Opcode: UInt8 {
    case proto = 0x80
    case frame = 0x95
    case stop = 0x2E
    case mark = 0x28
    case pop = 0x30
    case popMark = 0x31
    case duplicate = 0x32
    case none = 0x4E
    case newTrue = 0x88
    case newFalse = 0x89
    case binInt = 0x4A
    case binInt1 = 0x4B
    case binInt2 = 0x4D
    case long1 = 0x8A
    case long4 = 0x8B
    case binFloat = 0x47
    case binUnicode = 0x58
    case shortBinUnicode = 0x8C
    case binUnicode8 = 0x8D
    /// Python 2's `str`.
    case binString = 0x54
    case shortBinString = 0x55
    case binBytes = 0x42
    case shortBinBytes = 0x43
    case binBytes8 = 0x8E
    case byteArray8 = 0x96
    case emptyTuple = 0x29
    case tuple = 0x74
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case emptyList = 0x5D
    case append = 0x61
    case appends = 0x65
    case emptyDictionary = 0x7D
    case setItem = 0x73
    case setItems = 0x75
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91
    case binPut = 0x71
    case longBinPut = 0x72
    case memoize = 0x94
    case binGet = 0x68
    case longBinGet = 0x6A
    case global = 0x63
    case stackGlobal = 0x93
    case binPersistentID = 0x51
    case reduce = 0x52
    case newObject = 0x81
    case newObjectWithKeywords = 0x92
    case object = 0x6F
    case build = 0x62
    // Protocol 0: the operand is a line of text.
    case instance = 0x69
    case int = 0x49
    case long = 0x4C
    case float = 0x46
    case string = 0x53
    case unicode = 0x56
    case list = 0x6C
    case dictionary = 0x64
    case put = 0x70
    case get = 0x67

    /// Names of the unsupported instructions, for messages.
    static func describe(_ code: UInt8) -> String {
        let names: [UInt8: String] = [
            0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x50: "PERSID", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER",
        ]
        let hexadecimal = "0x" + String(code, radix: 16)
        return names[code].map { "\($0) (\(hexadecimal))" } ?? hexadecimal
    }
}
