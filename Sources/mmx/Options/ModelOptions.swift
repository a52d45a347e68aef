import ArgumentParser
import Tasks

/// The captioner and its search.
struct CaptionerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Captioner: a folder, or the name of an installed model.", valueName: "model"))
    var model = ModelFolder.defaultCaptioner
    @Option(
        help: ArgumentHelp(
            """
            Captions that the beam search keeps at once; 1 is a greedy search. Without it, the model's config.json \
            decides: \(ShippedDefaults.beam) for \(ModelFolder.defaultCaptioner).
            """, valueName: "n"))
    var beam: Int?

    func validate() throws {
        if let beam, !(1...100).contains(beam) { throw ValidationError("--beam is in 1...100") }
    }
}

/// The model that answers, where a captioner is the command's own model.
struct AnswererOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "VQA model for --question: a folder, or the name of an installed model. (default: "
                + "\(ModelFolder.defaultVQAModel))", valueName: "model"))
    var answerer: String?
}

/// The model that answers.
struct VQAModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("VQA model: a folder, or the name of an installed model.", valueName: "model"))
    var model = ModelFolder.defaultVQAModel
}

/// The model that classifies.
struct ClassifierOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Classifier: a folder, or the name of an installed model.", valueName: "model"))
    var model = ModelFolder.defaultClassifier
}
