/// What a picture says beside its map, so that it stands alone.
public struct PictureText: Equatable, Sendable {
    /// A caption, a question and its answer, or a class.
    public var sentence: [Part]
    /// Short lines, for example "dog: p = 0.93, evidence +2.1 nats".
    public var facts: [String]
    /// Small print: the method, the score, whose caption it is.
    public var details: String

    /// A part of a sentence. Parts are set with a space between them, but for punctuation that begins a part.
    public struct Part: Equatable, Sendable {
        /// One word or several.
        public var text: String
        /// How the text is marked.
        public var style: Style
        /// How much the part carried, -1...1: its ground is warm for what speaks for the target, cool for what speaks
        /// against it, the stronger the fuller.
        public var weight: Float

        /// A part of a sentence.
        public init(_ text: String, _ style: Style = .plain, weight: Float = 0) {
            (self.text, self.style, self.weight) = (text, style, weight)
        }
    }

    /// How a part of a sentence is marked.
    public struct Style: OptionSet, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }
        /// Not marked.
        public static let plain: Style = []
        /// What the map explains: bold, underlined, on a tinted ground.
        public static let explained = Style(rawValue: 1)
        /// A word that the model does not know, as it was typed: underlined with dots.
        public static let unknown = Style(rawValue: 2)
    }

    /// The text of a picture. See the properties.
    public init(sentence: [Part], facts: [String] = [], details: String = "") {
        (self.sentence, self.facts, self.details) = (sentence, facts, details)
    }

    /// A sentence of words, one part for each.
    /// - Parameters:
    ///   - words: in the order of reading.
    ///   - explained: the indices of the words that the map explains.
    ///   - unknown: the indices of the words that the model does not know.
    public static func sentence(_ words: [String], explained: Set<Int> = [], unknown: Set<Int> = []) -> [Part] {
        words.enumerated().map { index, word in
            var style = Style.plain
            if explained.contains(index) { style.insert(.explained) }
            if unknown.contains(index) { style.insert(.unknown) }
            return Part(word, style)
        }
    }
}
