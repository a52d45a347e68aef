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

            Each question's boxes, in pixels of the image file, say where its map should be. Measured is the map as it \
            is drawn: its positive part, at the picture's size. Figures: pointing (is the maximum inside?), energy (the \
            part of the map inside), rank (of the map's K largest pixels, K as many as the boxes have, the part \
            inside), in/out (mean inside over mean outside), box IoU (of the box around the largest segment above 15 % \
            of the maximum).

            grad-cam is the map of the answer that the model gives, grad-cam:expected that of the right answer. Beside \
            them what needs no answer: word-blind (the sum of the layer's activations), a centred Gaussian, an edge \
            detector, the picture's centre, and chance (the boxes' part of the area). 95 % intervals: bootstrap over \
            pictures.
            """)

    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(help: ArgumentHelp("File of questions with boxes.", valueName: "file")) var questions: String
    @Option(
        help: ArgumentHelp(
            "Format of the questions: \(QuestionFormat.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "name"))
    var format = QuestionFormat.jsonl
    @Option(help: ArgumentHelp("Only questions of this kind; may be given several times.", valueName: "kind"))
    var kind: [String] = []
    @Option(help: ArgumentHelp("Model: a folder, or the name of an installed one.", valueName: "model"))
    var model: String
    @Option(
        help: ArgumentHelp("Layer over which the maps are drawn; the encoder's last by default.", valueName: "layer"))
    var layer: String?
    @Option(help: ArgumentHelp("Only the first so many questions with boxes.", valueName: "count")) var limit: Int?
    @Option(help: ArgumentHelp("Samples of the bootstrap.", valueName: "count")) var resamples = 1000
    @Option(help: "Seed of the bootstrap.") var seed: UInt64 = 1
    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("Write each map's numbers as one JSON line.", valueName: "jsonl")) var records: String?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
        if !(1...100_000).contains(resamples) { throw ValidationError("--resamples is in 1...100000") }
    }

    func run() throws {
        let folder = try ModelFolder.find(model)
        let file = URL(fileURLWithPath: questions)
        let source = try QuestionMaps(
            AnswerExplainer(Answerer.load(folder), layer: layer), model: folder, images: URL(fileURLWithPath: images),
            questions: format.read(file), path: file.path, kinds: kind, limit: limit)
        if let records { try ResultOptions.tryOutput(records) }
        let progress = Progress()
        for note in source.notes { progress.line(note) }
        let bootstrap = Bootstrap(resamples: resamples, seed: seed)
        let evaluation = try MapEvaluation.run(source, bootstrap: bootstrap) { done, of in
            progress.update("\(done)/\(of) pictures", fraction: Double(done) / Double(of))
        }
        if let records {
            try AtomicFile.write(Data(try MapRecord.lines(evaluation.records).utf8), to: URL(fileURLWithPath: records))
        }
        print(json ? try evaluation.scores.json() : evaluation.scores.table())
    }
}
