/// What `config.json` of the models in the repository says of maps and of the caption search, as help names it. A test
/// holds these against the files.
enum ShippedDefaults {
    static let captionScore = "visual"
    static let captionMethod = "centred-grad-cam"
    static let answerMethod = "layercam"
    static let smoothing = 3
    static let beam = 3
}
