/// Names of output files, made of what users wrote.
struct FileNames {
    private var taken = Set<String>()

    /// A part of a file name: letters, digits, `-` and `_` of ASCII stay, everything else becomes `_`.
    static func safe(_ text: String, limit: Int = 40) -> String {
        let safe = text.unicodeScalars.map { scalar -> Character in
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(Character(scalar)))
            return isPlain || scalar == "-" || scalar == "_" ? Character(scalar) : "_"
        }
        let name = String(safe.prefix(limit))
        return name.isEmpty ? "_" : name
    }

    /// `name`, or `name` with a number behind it where it was given before. Case is not told apart: some file systems
    /// do not.
    mutating func unused(_ name: String) -> String {
        var candidate = name, count = 1
        while !taken.insert(candidate.lowercased()).inserted {
            count += 1
            candidate = "\(name)-\(count)"
        }
        return candidate
    }
}
