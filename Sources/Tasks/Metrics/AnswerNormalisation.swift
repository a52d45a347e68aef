/// Answers as VQA's evaluation compares them (Antol et al. 2015): lower case, without articles and punctuation,
/// number words as digits, contractions with their apostrophes.
public enum AnswerNormalisation {
    public static func normalise(_ answer: String) -> String {
        let spaced = String(answer.map { $0 == "\n" || $0 == "\t" ? " " : $0 }).lowercased()
        let words = withoutPunctuation(Array(spaced)).split(whereSeparator: \.isWhitespace).compactMap { word in
            let word = String(word)
            return articles.contains(word) ? nil : numbers[word] ?? contractions[word] ?? word
        }
        return words.joined(separator: " ")
    }

    private static let articles: Set<String> = ["a", "an", "the"]
    private static let numbers = [
        "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
        "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    ]
    private static let marks: Set<Character> = [
        ";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!",
    ]

    /// A punctuation mark that is beside a space anywhere in the answer is dropped; one that only joins words becomes a
    /// space. All marks are dropped from an answer with a number such as 1,000. A point is kept only before a digit.
    private static func withoutPunctuation(_ text: [Character]) -> String {
        let grouped = text.indices.dropFirst().dropLast().contains {
            text[$0] == "," && text[$0 - 1].isASCIIDigit && text[$0 + 1].isASCIIDigit
        }
        var loose: Set<Character> = []
        for (left, right) in zip(text, text.dropFirst()) {
            if left == " " { loose.insert(right) }
            if right == " " { loose.insert(left) }
        }
        var result = ""
        for (i, character) in text.enumerated() {
            if marks.contains(character) {
                if !grouped && !loose.contains(character) { result.append(" ") }
            } else if character != "." || (i + 1 < text.count && text[i + 1].isASCIIDigit) {
                result.append(character)
            }
        }
        return result
    }

    /// The contractions by their forms without apostrophes, as `don't` by `dont`. Contractions whose form without an
    /// apostrophe is another word (`its`, `well`, `shed`) are not included.
    private static let contractions: [String: String] = {
        let written = """
            ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't \
            he'd he'd've he's how'd how'll how's i'd've i'm i've isn't it'd it'd've it'll ma'am mightn't mightn't've \
            might've mustn't must've needn't not've o'clock oughtn't shan't she'd've should've shouldn't \
            shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's \
            something'd something'd've something'll that's there'd there'd've there're there's they'd they'd've \
            they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd \
            where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't \
            wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
            """
        var table: [String: String] = [:]
        for form in written.split(separator: " ").map(String.init) {
            let parts = form.split(separator: "'", omittingEmptySubsequences: false)
            // Either one apostrophe or all may be missing.
            for missing in 1..<parts.count {
                let without = parts[..<missing].joined(separator: "'") + parts[missing...].joined(separator: "'")
                table[without] = form
            }
            table[parts.joined()] = form
        }
        return table
    }()
}

extension Character {
    fileprivate var isASCIIDigit: Bool { self >= "0" && self <= "9" }
}
