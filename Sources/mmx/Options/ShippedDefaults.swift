/// What `config.json` of the models in the repository says of maps and of the caption search, as help names it. A test
/// compares it with the files. The overview of `mmx --help` says the same in words.
enum ShippedDefaults {
    static let captionScore = "visual"
    static let captionMethod = "centred-grad-cam"
    static let answerMethod = "cam"
    static let smoothing = 3
    static let beam = 3
}
