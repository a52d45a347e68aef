import Support

/// Parts of names of output files, made of what users wrote.
enum FileNames {
    /// The part of a name that stands for a photograph.
    static func stem(_ name: String) -> String { safe(name, limit: 110) }

    /// A part of a file name: letters, digits and signs of all scripts stay. What file systems or shells take for
    /// something else becomes `_`: spaces, control characters, bytes that are not UTF-8, and the signs of ASCII but for
    /// `-_.,+@=%`. No part begins with a dot.
    /// - Parameter limit: the most bytes; a longer text is cut and has a number behind it that tells it from others
    ///   with the same beginning.
    static func safe(_ text: String, limit: Int = 70) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            let isPlain = isPlain(scalar) && !(safe.isEmpty && scalar == ".")
            safe.unicodeScalars.append(isPlain ? scalar : "_")
        }
        if safe.isEmpty { return "_" }
        if safe.utf8.count <= limit { return safe }
        var cut = ""
        for character in safe where cut.utf8.count + character.utf8.count <= limit - 9 { cut.append(character) }
        return "\(cut)-\(Fingerprint(of: [text]).hexadecimal.prefix(8))"
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return ascii.contains(scalar) }
        switch scalar.properties.generalCategory {
        case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
            return false
        // Joiners shape letters of Indic scripts and of Persian, and emoji; the other invisible signs mislead.
        case .format: return scalar == "\u{200C}" || scalar == "\u{200D}"
        default: return true
        }
    }

    private static let ascii = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,+@=%".unicodeScalars)
}
