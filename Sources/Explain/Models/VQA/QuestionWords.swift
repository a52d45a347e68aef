/// Which words of a question carry it. By lists and endings: no grammar is needed to tell that "is there a zebra?" is
/// about zebras.
enum QuestionWords {
    /// Whether a question hangs on words that the model does not know: more than a third of its content words, or its
    /// only noun.
    /// - Parameters:
    ///   - tokens: the question's words, in lower case.
    ///   - unknown: those of them that the model does not know.
    static func hang(_ tokens: [String], on unknown: Set<String>) -> Bool {
        let content = tokens.filter { !function.contains($0) }
        let missing = content.filter(unknown.contains)
        if missing.count * 3 > content.count { return true }
        let nouns = content.filter(isNoun)
        return nouns.count == 1 && unknown.contains(nouns[0])
    }

    /// Whether a word says what a question is about, rather than how it asks.
    static func isContent(_ word: String) -> Bool { !function.contains(word) }

    private static func isNoun(_ word: String) -> Bool {
        let isVerb = word.count > 4 && (word.hasSuffix("ing") || word.hasSuffix("ed") || word.hasSuffix("ly"))
        return !isVerb && !others.contains(word)
    }

    /// Articles, pronouns, prepositions, forms of "be", "do" and "have", question words, and what is asked for ("what
    /// color", "what kind", "in this picture").
    private static let function = words(
        """
        a an the this that these those some any all both each every other another one
        i you he she it we they me him her us them my your his its our their someone somebody something
        am is are was were be been being do does did doing done has have had having can could will would shall should
        may might must 's 're 've 'll 'd 'm n't not no yes
        of in on at by for with without to from into onto over under above below behind beside between near next
        through across around up down off out about as than and or but if so very too
        what which who whom whose where when why how many much there here
        see seen show shown look looks call called name kind sort type color colors colour colours number
        picture pictures photo photos photograph image images scene
        """)

    /// Content words that are no nouns, though their endings do not say so.
    private static let others = words(
        """
        black white red green blue yellow brown orange pink purple gray grey tan blond blonde
        big small large little tall short long old young new open closed wet dry same different left right
        two three four five six seven eight nine ten more most few several
        wear wears hold holds ride rides carry carries eat eats play plays sit sits stand stands run runs walk walks
        jump jumps swim swims throw throws catch catches chase chases
        """)

    private static func words(_ list: String) -> Set<String> {
        Set(list.split(whereSeparator: \.isWhitespace).map(String.init))
    }
}
