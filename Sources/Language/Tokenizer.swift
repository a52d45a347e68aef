import Foundation

/// Splits text into words: captions in training and evaluation, and what a user types, all by the same rules.
///
/// The rules are those of the Penn Treebank as caption metrics use them (Stanford's PTBTokenizer, then dropping
/// punctuation), on text that is first lower-cased (Unicode's own mapping, no locale) and composed (NFC):
///
/// - Words are runs of letters, digits, marks and `_`. `-` and `/` between two of them join (`t-shirt`, `and/or`), and
///   so do `.` (`u.s.`, `statefarm.com`) and, between digits, `,` and `:` (`3,000`, `12:30`). A sign stays with its
///   number (`-5`).
/// - Contractions are split: `dog's` is `dog 's`, `don't` is `do n't`, `can't` is `ca n't`; also `'m 'd 're 've 'll`,
///   and `cannot`, `gonna`, `gotta`, `lemme`, `gimme`, `wanna`, `more'n`, `'tis`, `'twas`, `y'all`. `o'clock`, `ma'am`,
///   `ol'`, `'n'`, `'em`, `'cause`, `'98` and `'90s` stay whole.
/// - A full stop belongs to a word only after letters with stops (`p.m.`), a single letter (`j.`) or an abbreviation
///   from a list (`mr.`).
/// - Dropped: quotes, brackets, dashes, and `. , : ; ! ?` outside words.
/// - Every other sign is a word of its own: `#`, `&`, `$`, `%`, `+`... Web and mail addresses, `#tag` and `@name` stay
///   whole.
///
/// Intended differences from pycocoevalcap: it replaces brackets by words such as `-lrb-` and keeps them, because it
/// lower-cases too late; here brackets are dropped. Foreign currency signs are kept, `!?` is dropped, and case never
/// matters: `R&B` and `r&b` are the same word.
public struct CaptionTokenizer: Sendable {
    public init() {}

    /// The words of a text, in order, none of them empty.
    public func tokens(_ text: String) -> [String] {
        var lower = text.lowercased()
        if !lower.utf8.allSatisfy({ $0 < 0x80 }) { lower = lower.precomposedStringWithCanonicalMapping }
        var scanner = Scanner(lower)
        return scanner.run()
    }
}

/// One pass over a text's scalars.
private struct Scanner {
    private var text: [Unicode.Scalar] = []
    private var at = 0
    private var found: [String] = []

    init(_ lower: String) {
        text.reserveCapacity(lower.utf8.count)
        for scalar in lower.unicodeScalars {
            switch scalar {
            case "\u{2018}", "\u{2019}", "\u{02BC}", "\u{00B4}": text.append("'")
            case "\u{00AD}": continue  // a soft hyphen is dropped
            default: text.append(scalar)
            }
        }
    }

    mutating func run() -> [String] {
        found.reserveCapacity(text.count / 5 + 1)
        while at < text.count {
            let here = text[at]
            if here == "'" {
                apostrophe()
            } else if here.isWord || startsNumber {
                if !address() { word() }
            } else if here == "#" || here == "@", isLetter(at + 1) {
                var end = at + 1
                while isWord(end) { end += 1 }
                emit(to: end)
            } else if here.isSign {
                emit(to: at + 1)
            } else {
                at += 1
            }
        }
        return found
    }

    // MARK: Looking

    private func isWord(_ i: Int) -> Bool { i < text.count && text[i].isWord }
    private func isDigit(_ i: Int) -> Bool { i >= 0 && i < text.count && text[i].isDigit }
    private func isLetter(_ i: Int) -> Bool { i < text.count && text[i].isWord && !text[i].isDigit }
    private func has(_ i: Int, _ scalar: Unicode.Scalar) -> Bool { i < text.count && text[i] == scalar }

    /// Whether `letters` are at `i` and the word ends with them.
    private func has(_ i: Int, whole letters: StaticString) -> Bool {
        let count = letters.utf8CodeUnitCount
        guard i + count <= text.count, !isWord(i + count) else { return false }
        for k in 0..<count where text[i + k].value != UInt32(letters.utf8Start[k]) { return false }
        return true
    }

    /// Whether a number begins here with its sign or its point, and no word precedes it: `-5`, `+3`, `.22`.
    private var startsNumber: Bool {
        guard at == 0 || !text[at - 1].isWord else { return false }
        switch text[at] {
        case ".": return isDigit(at + 1) && (at == 0 || text[at - 1] != ".")
        case "-", "+":
            return (at == 0 || text[at - 1].isSpace) && (isDigit(at + 1) || (has(at + 1, ".") && isDigit(at + 2)))
        default: return false
        }
    }

    private func string(_ from: Int, _ to: Int) -> String {
        // Several times as fast as a view of Unicode scalars.
        var bytes: [UInt8] = []
        for scalar in text[from..<to] { bytes.append(contentsOf: scalar.utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func emit(to end: Int) {
        found.append(string(at, end))
        at = end
    }

    // MARK: Apostrophes

    /// The length of `'s`, `'m`, `'d`, `'re`, `'ve` or `'ll` at the apostrophe `i`, or 0.
    private func suffix(_ i: Int) -> Int {
        if has(i + 1, whole: "s") || has(i + 1, whole: "m") || has(i + 1, whole: "d") { return 2 }
        if has(i + 1, whole: "re") || has(i + 1, whole: "ve") || has(i + 1, whole: "ll") { return 3 }
        return 0
    }

    /// An apostrophe outside a word: a clitic on its own, the beginning of a word such as `'n'`, or a quote, which is
    /// dropped.
    private mutating func apostrophe() {
        let clitic = suffix(at)
        if clitic > 0 {
            emit(to: at + clitic)
        } else if has(at + 1, whole: "n") {
            emit(to: has(at + 2, "'") ? at + 3 : at + 2)
        } else if has(at + 1, whole: "tis") || has(at + 1, whole: "twas") {
            emit(to: at + 2)
        } else if has(at + 1, whole: "em") {
            emit(to: at + 3)
        } else if has(at + 1, whole: "cause") {
            emit(to: at + 6)
        } else if isDigit(at + 1), has(at + 2, whole: "0s") {
            emit(to: at + 4)
        } else if isDigit(at + 1), isDigit(at + 2), !isWord(at + 3), !has(at + 3, "'"), at == 0 || text[at - 1].isSpace
        {
            emit(to: at + 3)
        } else {
            at += 1
        }
    }

    // MARK: Addresses

    /// A web address with its scheme or `www.`, or a mail address, without the punctuation that follows it.
    private mutating func address() -> Bool {
        guard at == 0 || !text[at - 1].isWord else { return false }
        let isWeb = starts("http://") || starts("https://") || starts("www.")
        var end = at
        if isWeb {
            while end < text.count, !text[end].isSpace, text[end] != "\"", text[end] != "<", text[end] != ">" {
                end += 1
            }
        } else {
            func part(_ i: Int) -> Bool { isWord(i) || has(i, ".") || has(i, "-") }
            // No mail address is longer; without a limit every word of "a..a..a.." would search to the text's end.
            while end - at < 254, part(end) { end += 1 }
            guard has(end, "@"), isWord(end + 1) else { return false }
            let host = end + 1
            end = host
            while part(end) { end += 1 }
            guard text[host..<end].contains(".") else { return false }
        }
        while end > at, !text[end - 1].isWord, text[end - 1] != "/" { end -= 1 }
        emit(to: end)
        return true
    }

    private func starts(_ letters: StaticString) -> Bool {
        guard at + letters.utf8CodeUnitCount < text.count else { return false }
        for k in 0..<letters.utf8CodeUnitCount where text[at + k].value != UInt32(letters.utf8Start[k]) { return false }
        return true
    }

    // MARK: Words

    /// Reads the word that starts here and splits it as the Treebank does.
    private mutating func word() {
        var end = at
        if !text[at].isWord { end += text[at] == "." ? 0 : 1 }  // skips a sign; a leading point is read below
        var isPlain = true
        scan: while end < text.count {
            while isWord(end) { end += 1 }
            guard end < text.count, isWord(end + 1) || text[end] == "'" || text[end] == "." else { break }
            if text[end] == ".", has(end + 1, "-"), isWord(end + 2), isInitials(to: end) {  // u.k.-based
                isPlain = false
                end += 2
                continue
            }
            switch text[end] {
            case "-", "/":
                isPlain = false
            case ".":
                guard isWord(end + 1), isDigit(end - 1) == isDigit(end + 1) || end == at || !text[end - 1].isWord else {
                    break scan
                }
                isPlain = false
            case ",", ":":
                guard isDigit(end - 1), isDigit(end + 1) else { break scan }
            case "&":
                guard joinsInitials(end) else { break scan }
            case "'":
                if splitNot(at: end) { return }
                guard joins(apostrophe: end) else { break scan }
            default:
                break scan
            }
            end += 1
        }
        if has(end, "'"), end == at + 1, text[at] == "y", isLetter(end + 1) {
            emit(to: end + 1)
        } else if has(end, "'"), end == at + 2, text[at] == "o", text[at + 1] == "l", !isWord(end + 1) {
            emit(to: end + 1)
        } else if end == at + 1, text[at] == "c", has(end, "+"), has(end + 1, "+") {
            emit(to: end + 2)
        } else if end == at + 1, text[at] == "c" || text[at] == "f", has(end, "#"), !isWord(end + 1) {
            emit(to: end + 1)
        } else if isPlain, end - at == 5 || end - at == 6, let cut = Self.fused[string(at, end)] {
            emit(to: at + cut)
            emit(to: end)
        } else {
            emit(to: has(end, ".") && keepsPoint(end) ? end + 1 : end)
        }
    }

    /// Words of five or six letters that stand for two, such as `gonna`: the length of the first.
    private static let fused = ["cannot": 3, "gonna": 3, "gotta": 3, "lemme": 3, "gimme": 3, "wanna": 3, "more'n": 4]

    /// `r&b`, `h&m`: one or two letters on both sides.
    private func joinsInitials(_ end: Int) -> Bool {
        var after = end + 1
        while isWord(after) { after += 1 }
        return end - at <= 2 && after - end - 1 <= 2
    }

    /// Writes `do n't` for `don't`, whose apostrophe is at `end`.
    private mutating func splitNot(at end: Int) -> Bool {
        guard end > at, text[end - 1] == "n", has(end + 1, whole: "t") else { return false }
        var stem = end - 1
        while stem > at, !text[stem - 1].isWord { stem -= 1 }
        if stem > at { emit(to: stem) }
        at = end - 1
        emit(to: end + 2)
        return true
    }

    /// Whether the apostrophe at `end` is inside a word: `o'clock`, `d'artagnan`, `ma'am`; not that of `dog's`.
    private func joins(apostrophe end: Int) -> Bool {
        guard isLetter(end + 1), suffix(end) == 0 else { return false }
        let front = string(at, end)
        if has(end + 1, whole: "n") { return front == "more" }
        return Self.elisions.contains(front) || front == "ma" && has(end + 1, whole: "am")
            || front == "c" && has(end + 1, whole: "mon") || front == "hawai" && has(end + 1, whole: "i")
            || (front == "ne" || front == "e") && has(end + 1, whole: "er")
    }

    private static let elisions: Set<String> = ["o", "d", "l", "j", "n", "qu"]

    /// Whether the point at `end` belongs to the word before it.
    private func keepsPoint(_ end: Int) -> Bool {
        if has(end + 1, ".") { return false }  // an ellipsis
        if isInitials(to: end) { return true }
        let front = string(at, end)
        if front == "no" {
            var next = end + 1
            while next < text.count, text[next].isSpace { next += 1 }
            return isDigit(next)
        }
        return Self.abbreviations.contains(front)
    }

    /// Whether single letters with points between them reach from here to `end`: `u.s`, `j`.
    private func isInitials(to end: Int) -> Bool {
        guard (end - at) % 2 == 1 else { return false }
        for i in at..<end where (i - at) % 2 == 0 ? !isLetter(i) : text[i] != "." { return false }
        return true
    }

    /// Abbreviations whose point is part of them. `sat.`, `sun.` and `in.` are not: they end sentences too often.
    private static let abbreviations: Set<String> = [
        "mr", "mrs", "ms", "dr", "drs", "jr", "sr", "st", "ste", "messrs", "mme", "mlle", "prof", "rev", "hon", "esq",
        "pres",
        "gen", "gov", "govs", "sen", "sens", "rep", "reps", "lt", "sgt", "capt", "cpl", "pvt", "maj", "col", "cmdr",
        "adm", "brig",
        "supt", "ave", "blvd", "rd", "sq", "ct", "bldg", "mt", "mts", "ft", "univ", "dept", "assn", "intl", "co", "cos",
        "corp",
        "inc", "ltd", "plc", "bros", "cie", "est", "tel", "etc", "vs", "cf", "al", "ph.d", "calif", "ala", "ga", "fla",
        "mich",
        "ind", "wm", "jos", "alex", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
        "mon",
        "tue", "tues", "wed", "thu", "thurs", "fri",
    ]
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool {
        value < 0x80 ? value >= 0x30 && value <= 0x39 : properties.generalCategory == .decimalNumber
    }

    fileprivate var isSpace: Bool {
        value < 0x80 ? value == 0x20 || (value >= 0x09 && value <= 0x0D) : properties.isWhitespace
    }

    /// Letters, digits, marks and `_`.
    fileprivate var isWord: Bool {
        if value < 0x80 { return (value | 0x20 >= 0x61 && value | 0x20 <= 0x7A) || isDigit || value == 0x5F }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber,
            .nonspacingMark, .spacingMark:
            // Variation selectors only choose the look of a sign.
            return !properties.isVariationSelector
        default: return false
        }
    }

    /// Signs that are words of their own.
    fileprivate var isSign: Bool {
        if value < 0x80 { return "#&$%*+/<=>@\\^|~".unicodeScalars.contains(self) }
        switch properties.generalCategory {
        case .mathSymbol, .currencySymbol, .otherSymbol, .otherNumber: return true
        default: return false
        }
    }
}
