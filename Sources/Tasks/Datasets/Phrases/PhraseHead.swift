extension Phrase {
    /// The index in ``caption`` of the head noun: "dogs" in "a group of small dogs with collars".
    public var head: Int {
        let core = PhraseWords.core(words)
        // Where no word is left, as in "a man 's", it is the last word.
        return (core.isEmpty ? words.endIndex : core.endIndex) - 1
    }
}
