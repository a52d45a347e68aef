/// The titles under which help lists options. Option groups of one title stand together.
enum HelpGroup {
    static let photo = "Photograph"
    static let data = "Data"
    static let targets = "What to explain"
    static let model = "Model"
    static let explanation = "How to explain it"
    static let methodSettings = "Settings of some methods"
    static let drawing = "Drawing"
    static let training = "Training"
    static let measurement = "Measurement"
    static let output = "Output"
    static let batch = "Many photographs"
}
