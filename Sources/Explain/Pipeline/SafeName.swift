/// A part of a file name made of what a user wrote: letters, digits, `-` and `_` of ASCII stay, everything else becomes
/// `_`.
func safeName(_ text: String, limit: Int = 40) -> String {
    let safe = text.unicodeScalars.map { scalar -> Character in
        let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(Character(scalar)))
        return isPlain || scalar == "-" || scalar == "_" ? Character(scalar) : "_"
    }
    let name = String(safe.prefix(limit))
    return name.isEmpty ? "_" : name
}
