extension Phrase {
    /// The index in ``caption`` of the word that says what the phrase names: "dogs" in "a group of small dogs with
    /// collars".
    public var head: Int {
        let core = PhraseWords.core(words)
        // "a man 's", "the ..." : where nothing is left, its last word.
        return (core.isEmpty ? words.endIndex : core.endIndex) - 1
    }
}
