import ArgumentParser
import Evaluation
import Explain
import Foundation
import Tasks
import Weights

/// Questions or phrases with the boxes that say where a map should be.
struct MapDataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("File of questions with boxes.", valueName: "file")) var questions: String?
    @Option(help: ArgumentHelp("Format of the questions.", valueName: "name")) var format = QuestionFormat.jsonl
    @Option(
        help: ArgumentHelp("File of phrases with boxes, as for mmx data questions.", valueName: "tsv"))
    var phrases: String?
    @Option(
        help: ArgumentHelp("CSV file with a line 'image,caption' for each caption, for --phrases.", valueName: "csv"))
    var captions: String?
    @Option(
        help: ArgumentHelp(
            "File with the names of the images to take, for --phrases. Without it, all images of the CSV file.",
            valueName: "txt"))
    var split: String?
    @Option(
        help: ArgumentHelp(
            """
            Folder of masks for phrases without boxes: NAME-CHAIN.png, white inside, for the image NAME.* and the \
            phrase's chain.
            """, valueName: "dir"))
    var masks: String?
    @Option(
        help: ArgumentHelp(
            """
            Folder of other tools' maps of the phrases, which become rows of the table. Its file maps.tsv names them.
            """, valueName: "dir"))
    var maps: String?
    @Option(
        help: ArgumentHelp(
            "Take this kind only. Repeat it for several kinds. Without it, all questions, and all phrases but scenes.",
            valueName: "kind"))
    var kind: [String] = []
    @Option(help: ArgumentHelp("Take this many questions or phrases, from the first on.", valueName: "count"))
    var limit: Int?

    func validate() throws {
        guard (questions == nil) != (phrases == nil) else {
            throw ValidationError("give --questions FILE, or --phrases FILE with --captions FILE")
        }
        if phrases != nil, captions == nil { throw ValidationError("--phrases needs --captions FILE") }
        if questions != nil, captions != nil || split != nil {
            throw ValidationError("--captions and --split go with --phrases")
        }
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    var folder: URL { URL(fileURLWithPath: images) }
}

/// The model whose maps are measured: a VQA model, or a captioner for phrases.
struct MeasuredModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A folder, or the name of an installed model. (default: \(ModelFolder.defaultVQAModel), with --phrases \
            \(ModelFolder.defaultCaptioner))
            """,
            valueName: "model"))
    var model: String?
}

/// How the measured maps are computed.
struct MeasuredMethodOptions: ParsableArguments {
    @Option(help: MethodName.help) var method: [MethodName] = []
    @Flag(help: FinerOption.help) var finer = false
    @Option(
        help: ArgumentHelp(
            """
            Layer whose cells the map has. Repeat it to fuse the maps of several layers. Without it, the encoder's \
            last layer.
            """, valueName: "layer"))
    var layer: [String] = []
    @Option(
        help: ArgumentHelp(
            """
            Measure the mean over squares of this many cells a side, as it is drawn; 1 measures the raw map. Without \
            it, the model's config.json decides: \(ShippedDefaults.smoothing) for \(ModelFolder.defaultCaptioner) and \
            \(ModelFolder.defaultVQAModel), 1 for a model that names none.
            """, valueName: "cells"))
    var smooth: Int?

    func validate() throws { try DrawingOptions.check(smooth: smooth) }
}

/// What is measured, and the intervals.
struct MeasurementOptions: ParsableArguments {
    @Flag(help: "Also measure how far the model's answers follow the maps.") var faithfulness = false
    @Option(
        help: ArgumentHelp(
            "Leave out words and answers with less evidence than this: what the image says of them.", valueName: "nats")
    )
    var minimumEvidence: Double?
    @Option(help: ArgumentHelp("Measure at most this many targets of each image.", valueName: "count"))
    var perImage: Int?
    @Option(
        help: ArgumentHelp(
            "With --phrases, what a word's evidence is measured against. Without it, the model's own.",
            valueName: "name"))
    var noImage: NoImage?
    @Flag(help: "With --phrases, also measure the maps of the captions that the model writes.")
    var ownCaptions = false
    @Flag(help: "Also measure whether maps depend on the word and on the model's parameters.") var sanity = false
    @Option(help: ArgumentHelp("Samples of the bootstrap.", valueName: "count")) var resamples = 1000
    @Option(help: "Seed of the bootstrap.") var seed: UInt64 = 1

    func validate() throws {
        if !(1...100_000).contains(resamples) { throw ValidationError("--resamples is in 1...100000") }
        if let perImage, perImage < 1 { throw ValidationError("--per-image is at least 1") }
        if let minimumEvidence, !minimumEvidence.isFinite {
            throw ValidationError("--minimum-evidence is a finite number")
        }
    }
}

/// Where each map's figures go.
struct RecordOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Write the figures of each map, one JSON object a line.", valueName: "jsonl"))
    var records: String?
    @Flag(help: "Continue an interrupted run: images whose figures are in --records are not measured again.")
    var resume = false
    @Flag(help: "Print JSON instead of text.") var json = false

    func validate() throws {
        if resume, records == nil { throw ValidationError("--resume needs --records FILE") }
    }
}

struct EvaluateMaps: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maps", abstract: "Measure whether a model's maps point at what they should show.",
        usage: """
            mmx evaluate maps --images <dir> --questions <file> [<options>]
            mmx evaluate maps --images <dir> --phrases <tsv> --captions <csv>
                [<options>]
            """,
        discussion: """
              mmx evaluate maps --images DIR --questions dev.jsonl --kind color
                  Measure the maps of answers to questions with boxes.
              mmx evaluate maps --images DIR --phrases phrases.tsv --captions captions.csv
                  Measure the maps of words of captions whose phrases have boxes.

            The boxes, in pixels of the image file, say where a map should be. The map is measured as it is drawn: its \
            positive part, enlarged to the image.

            Figures:
              pointing   Is the map's maximum inside the boxes?
              energy     The part of the map inside the boxes.
              rank       Of the largest pixels, as many as the boxes have: the part inside.
              in/out     The mean inside divided by the mean outside.
              box IoU    The overlap of the boxes with the box around the largest segment
                         above 15 % of the map's maximum.
              acc@0.5    Has that box an IoU of at least 0.5 with the box around the boxes?
              discrim.   Of two phrases of a caption, or two questions of a kind about an
                         image, whose boxes lie apart: is the part of a map inside its own
                         boxes larger than that of the other map? Ties count half.

            More tables follow. The first has figures of the map alone: sparseness (the Gini index, 0 for a flat \
            map) and complexity (the entropy of the pixels' parts, in nats). The second has the difficult targets: \
            their boxes have less than a quarter of the image, and another target of the image lies apart. The third \
            has words that head two phrases of one caption: is the part of a map inside its own boxes larger than \
            that of the other occurrence's map? Chance is 50 %. The fourth asks the same of two persons of one caption.

            Rows:
              METHOD            The answer that the model gives. With --phrases, the head
                                word of the phrase, given the words before it.
              METHOD:expected   The right answer.
              METHOD:phrase     The whole phrase.
              attention         The model's own attention, where it has one.
              word-blind, gaussian, edges, centre, chance
                                References that know no answer and no word: the sum of the
                                layer's activations, a centred Gaussian, an edge detector,
                                the image's centre, and the boxes' part of the area.

            --maps DIR adds other tools' maps. DIR/maps.tsv has a header and a line for each map, with tabs between: \
            image, caption row, first word, number of words (as in the file of phrases), the row's name, and the \
            map's file in DIR. A map is a .npy file of rows and columns over the whole photograph.

            With a calibrated model the last table has pointing by evidence: how many nats likelier the image makes the \
            word or the answer than it is without the image (--no-image compares). With --phrases \
            it also says in how many captions the words with boxes have more evidence than function words (a, is, \
            his).

            The 95 % intervals come from a bootstrap over images.

            --faithfulness asks the model instead of the boxes. It runs the model hundreds of times for each map, so \
            use --limit. It prints the area under the probability while pixels are deleted or blurred (small is good) or \
            inserted (large is good), the most relevant first; the average drop of the probability when only what the \
            map shows is left, and how often it increases; the probability with the most or the least relevant pixels \
            imputed (ROAD); and the rank correlation with the loss under occlusion.

            --own-captions grounds the captions that the model writes. Their object words (head words of the data's \
            phrases) are compared with the phrases of each reference caption. F1_all asks for the right words in the \
            right places (IoU above 0.5), F1_loc for the places of words that both captions have.

            --sanity prints how similar the maps of one caption's words are (1: they are all the same), and how \
            similar a map stays while the model's layers are randomised, from the head down to the first layer. It \
            also prints how much a map changes when noise of 5 % of the image's range is added to the image (the \
            largest of 10 samples): relative to the map (max sens.), and to the noise (Lipschitz).
            """)

    @OptionGroup(title: HelpGroup.data) var data: MapDataOptions
    @OptionGroup(title: HelpGroup.data) var images: ImageLimitOptions
    @OptionGroup(title: HelpGroup.model) var models: MeasuredModelOptions
    @OptionGroup(title: HelpGroup.explanation) var scores: WordScoreOptions
    @OptionGroup(title: HelpGroup.explanation) var how: MeasuredMethodOptions
    @OptionGroup(title: HelpGroup.measurement) var measurement: MeasurementOptions
    @OptionGroup(title: HelpGroup.output) var output: RecordOptions

    func validate() throws {
        let forPhrases = data.masks != nil || data.maps != nil || scores.score != nil || measurement.noImage != nil
        if data.questions != nil, forPhrases || measurement.ownCaptions {
            throw ValidationError("--masks, --maps, --score, --no-image and --own-captions go with --phrases")
        }
    }

    func run() throws {
        if let questions = data.questions {
            let folder = try ModelFolder.find(models.model ?? ModelFolder.defaultVQAModel)
            try measure(questionMaps(questions, model: folder))
        } else if let phrases = data.phrases, let captions = data.captions {
            let folder = try ModelFolder.find(models.model ?? ModelFolder.defaultCaptioner)
            try measure(phraseMaps(phrases, captions: captions, model: folder))
        }
    }

    private func questionMaps(_ questions: String, model: URL) throws -> QuestionMaps {
        let file = URL(fileURLWithPath: questions)
        return try QuestionMaps(
            VQAModel.load(model), model: model, options: explanationOptions(), images: data.folder,
            questions: data.format.read(file), path: file.path, kinds: data.kind, limit: data.limit,
            smoothing: how.smooth)
    }

    private func phraseMaps(_ phrases: String, captions: String, model: URL) throws -> PhraseMaps {
        let captioner = try Captioner.load(model)
        let dataset = try CaptionDataset(
            images: data.folder, captions: URL(fileURLWithPath: captions),
            split: data.split.map { URL(fileURLWithPath: $0) })
        return try PhraseMaps(
            captioner, model: model, options: explanationOptions(), data: dataset,
            phrases: URL(fileURLWithPath: phrases), masks: data.masks.map { URL(fileURLWithPath: $0) },
            kinds: data.kind, limit: data.limit, smoothing: how.smooth, noImage: measurement.noImage ?? .typical,
            ownCaptions: measurement.ownCaptions, otherMaps: data.maps.map { URL(fileURLWithPath: $0) })
    }

    private func explanationOptions() throws -> ExplanationOptions {
        ExplanationOptions(
            layers: how.layer, methods: try how.method.map { try Methods.named($0.text) },
            comparison: how.finer ? TargetComparison() : nil, wordScore: scores.score)
    }

    private func measure(_ source: some RandomisableMaps) throws {
        if let records = output.records { try ResultOptions.tryOutput(records) }
        let progress = Progress()
        for note in source.notes { progress.line(note) }
        let options = EvaluationOptions(
            faithfulness: measurement.faithfulness, sanity: measurement.sanity,
            minimumEvidence: measurement.minimumEvidence, perImage: measurement.perImage,
            bootstrap: Bootstrap(resamples: measurement.resamples, seed: measurement.seed),
            imageLimits: images.limits)
        let log = try output.records.map {
            try MapEvaluation.log(URL(fileURLWithPath: $0), resumes: output.resume, of: source, options)
        }
        let scores = try progress.clearing {
            try MapEvaluation.run(source, options, log: log) { step in
                switch step {
                case .images(let done, let of): progress.count(done, of: of, "images")
                case .layers(let done, let of): progress.count(done, of: of, "layers randomised")
                }
            }.scores
        }
        if output.json { return try StandardOutput.printJSON(scores.json()) }
        try StandardOutput.print(scores.table())
    }
}

extension NoImage: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "typical": "Typical training images, whose feature maps the model's folder holds: the mean of what is said "
                + "of them.",
            "mean": "The mean of these feature maps.",
            "blurred": "The image itself, reduced to 4x4 pixels.",
            "gray": "An image of the preprocessing's mean colour.",
        ]
    }
}
