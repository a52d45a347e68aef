import ArgumentParser
import Explain
import Foundation
import Tasks
import Weights

struct EvaluateMaps: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maps", abstract: "How well a model's maps show the thing that was asked for.",
        discussion: """
            mmx evaluate maps --images DIR --questions FILE.jsonl --model DIR --kind color
                                                            answers to questions with boxes
            mmx evaluate maps --images DIR --phrases FILE.tsv --captions FILE.csv --split FILE.txt
                                                            words of reference captions, with their phrases' boxes

            The boxes, in pixels of the image file, say where a map should be. Measured is the map as it is drawn: its \
            positive part, at the picture's size. Figures: pointing (is the maximum inside?), energy (the part of the \
            map inside), rank (of the map's K largest pixels, K as many as the boxes have, the part inside), in/out \
            (mean inside over mean outside), box IoU (of the box around the largest segment above 15 % of the \
            maximum), discrim. (of two phrases of a caption, or questions of a kind about a picture, whose boxes lie \
            apart: is a larger part of each one's map in its boxes than of the other's? ties count half).

            A method's name alone is the map of the answer that the model gives, with :expected that of the right \
            answer; with captions, the map of a phrase's head word given the words before it, with :phrase that of the whole \
            phrase. Beside them the model's own attention, where it has one, and what knows no answer and no word: \
            word-blind (the sum of the layer's activations), a centred Gaussian, an edge detector, the picture's \
            centre, and chance (the boxes' part of the area). 95 % intervals: bootstrap over pictures.

            --faithfulness asks the model instead of the boxes, hundreds of times a map, so take --limit: the area \
            under the answer's or the word's probability while pixels are deleted (small is good) or inserted (large is \
            good), the most relevant first; the average drop of the probability when only what the map shows is left, and how \
            often it increases; the probability with the most or the least relevant pixels imputed (ROAD); the rank \
            correlation with the loss under occlusion.
            --sanity: how alike the maps of one caption's words are (1 is one blob for all), and how alike maps stay \
            while the model's layers are randomised, from the head down to the first.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("File of questions with boxes.", valueName: "file")) var questions: String?
    @Option(
        help: ArgumentHelp(
            "Format of the questions: \(QuestionFormat.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var format = QuestionFormat.jsonl
    @Option(
        help: ArgumentHelp(
            "Tab-separated file of phrases with boxes, as for mmx data questions.",
            valueName: "tsv"))
    var phrases: String?
    @Option(help: ArgumentHelp("CSV file 'image,caption', for --phrases.", valueName: "csv")) var captions: String?
    @Option(
        help: ArgumentHelp(
            "File with the names of the images to use, for --phrases; all of the CSV's without it.", valueName: "txt"))
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
            "Only this kind; may be given several times. Without it all questions, and all phrases but scenes.",
            valueName: "kind"))
    var kind: [String] = []
    @Option(
        help: ArgumentHelp(
            """
            Model: a folder, or the name of an installed one; \(ModelFolder.defaultVQAModel) by default or, for \
            --phrases, \(ModelFolder.defaultCaptioner).
            """,
            valueName: "model"))
    var model: String?
    @Option(
        help: ArgumentHelp("Layer over which the maps are drawn; the encoder's last by default.", valueName: "layer"))
    var layer: String?
    @Option(
        help: ArgumentHelp(
            "Measure means over squares of so many cells a side, as they are drawn; the model's own by default.",
            valueName: "cells"))
    var smooth: Int?
    @Option(
        help: ArgumentHelp(
            """
            How maps are made (mmx caption --list-methods); may be given several times. The model's own by default, or \
            grad-cam.
            """, valueName: "name"))
    var method: [String] = []
    @Option(
        help: ArgumentHelp(
            "What is explained of a caption's word: \(WordScore.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var score: WordScore?
    @Flag(help: "Measure how far the model's answers follow the maps, too.") var faithfulness = false
    @Flag(help: "Measure whether maps depend on the word and on what the model has learnt, too.") var sanity = false
    @Option(help: ArgumentHelp("Only the first so many questions or phrases.", valueName: "count")) var limit: Int?
    @Option(help: ArgumentHelp("Samples of the bootstrap.", valueName: "count")) var resamples = 1000
    @Option(help: "Seed of the bootstrap.") var seed: UInt64 = 1
    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("Write each map's numbers as one JSON line.", valueName: "jsonl")) var records: String?
    @Flag(help: "Go on with the records of a run that was cut off: pictures that are in them are not measured again.")
    var resume = false

    func validate() throws {
        guard (questions == nil) != (phrases == nil) else {
            throw ValidationError("give --questions FILE, or --phrases FILE with --captions FILE")
        }
        if phrases != nil, captions == nil { throw ValidationError("--phrases needs --captions FILE") }
        if questions != nil, captions != nil || split != nil {
            throw ValidationError("--captions and --split go with --phrases")
        }
        if questions != nil, masks != nil || score != nil {
            throw ValidationError("--masks and --score go with --phrases")
        }
        if resume, records == nil { throw ValidationError("--resume needs --records FILE") }
        try DrawingOptions.check(smooth: smooth)
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
        if !(1...100_000).contains(resamples) { throw ValidationError("--resamples is in 1...100000") }
    }

    func run() throws {
        if let questions {
            let folder = try ModelFolder.find(model ?? ModelFolder.defaultVQAModel)
            try measure(questionMaps(questions, model: folder))
        } else if let phrases, let captions {
            let folder = try ModelFolder.find(model ?? ModelFolder.defaultCaptioner)
            try measure(phraseMaps(phrases, captions: captions, model: folder))
        }
    }

    private func questionMaps(_ questions: String, model: URL) throws -> QuestionMaps {
        let file = URL(fileURLWithPath: questions)
        return try QuestionMaps(
            VQAModel.load(model), layer: layer, recipe: recipe(), model: model, images: URL(fileURLWithPath: images),
            questions: format.read(file), path: file.path, kinds: kind, limit: limit, smoothing: smooth)
    }

    private func phraseMaps(_ phrases: String, captions: String, model: URL) throws -> PhraseMaps {
        let captioner = try Captioner.load(model)
        let data = try CaptionDataset(
            images: URL(fileURLWithPath: images), captions: URL(fileURLWithPath: captions),
            split: split.map { URL(fileURLWithPath: $0) })
        return try PhraseMaps(
            captioner, layer: layer, recipe: recipe(), model: model, data: data, phrases: URL(fileURLWithPath: phrases),
            masks: masks.map { URL(fileURLWithPath: $0) }, kinds: kind, limit: limit, smoothing: smooth)
    }

    private func recipe() throws -> MapRecipe {
        MapRecipe(methods: try method.map { try Methods.named($0) }, wordScore: score)
    }

    private func measure(_ source: some RandomisableMaps) throws {
        if let records { try ResultOptions.tryOutput(records) }
        let progress = Progress()
        for note in source.notes { progress.line(note) }
        let bootstrap = Bootstrap(resamples: resamples, seed: seed)
        let measures = MapMeasures(faithfulness: faithfulness, wordCorrelation: sanity)
        let log = try records.map { path -> RecordLog in
            let file = URL(fileURLWithPath: path)
            if !resume { return RecordLog(file) }
            return try RecordLog(resuming: file, run: MapEvaluation.run(of: source, measures: measures))
        }
        let scores = try progress.clearing {
            var scores = try MapEvaluation.run(source, measures: measures, bootstrap: bootstrap, log: log) { done, of in
                progress.update("\(done)/\(of) pictures", fraction: Double(done) / Double(of))
            }.scores
            if sanity {
                scores.randomisation = try CascadingRandomisation.run(source, bootstrap: bootstrap) { done, of in
                    progress.update("\(done)/\(of) layers randomised", fraction: Double(done) / Double(of))
                }
            }
            return scores
        }
        print(json ? try scores.json() : scores.table())
    }
}
