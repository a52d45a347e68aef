/// Text from files and users as a terminal may show it: characters that steer a terminal or turn the direction of
/// reading are written as escapes.
public enum PrintableText {
    /// How an escaped character is written.
    public enum Style: Sendable {
        /// `\u{1B}`, as in Swift.
        case plain
        /// `\u001b`: inside a string of JSON it stands for the character itself.
        case json
    }

    /// `text` with everything escaped that is not to reach a terminal; line feeds and tabs stay.
    public static func escaped(_ text: some StringProtocol, _ style: Style = .plain) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return String(text) }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isHarmful(scalar) {
                result.append(contentsOf: escape(scalar, style).unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// The first `limit` characters, with the number of all where some were left out.
    public static func shortened(_ text: String, to limit: Int) -> String {
        // Counting bytes first keeps texts of megabytes cheap: a character has at least one byte.
        guard text.utf8.count > limit, let end = text.index(text.startIndex, offsetBy: limit, limitedBy: text.endIndex),
            end < text.endIndex
        else { return text }
        return "\(text[..<end])... (\(text.utf8.count) bytes)"
    }

    /// Control characters (C0, DEL and C1), marks and isolates of the direction of reading, separators of lines and
    /// paragraphs, tags, and the bytes of ``RawPath``.
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x20...0x7E: false
        case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            true
        default: RawPath.byte(of: scalar) != nil
        }
    }

    private static func escape(_ scalar: Unicode.Scalar, _ style: Style) -> String {
        switch style {
        case .plain:
            if let byte = RawPath.byte(of: scalar) { return "\\x" + hexadecimal(UInt32(byte), digits: 2) }
            return "\\u{\(hexadecimal(scalar.value, digits: 1))}"
        case .json:
            return String(scalar).utf16.map { "\\u" + hexadecimal(UInt32($0), digits: 4) }.joined()
        }
    }

    private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
