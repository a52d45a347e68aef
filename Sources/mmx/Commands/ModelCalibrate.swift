import ArgumentParser
import Foundation
import Support
import Tasks

/// The data that a calibration is computed from.
struct CalibrationDataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the images.", valueName: "dir")) var images: String
    @Option(
        help: ArgumentHelp("Of a captioner: CSV file with a line 'image,caption' for each caption.", valueName: "csv"))
    var captions: String?
    @Option(help: ArgumentHelp("Of a captioner: names of the training images, one a line.", valueName: "txt"))
    var train: String?
    @Option(help: ArgumentHelp("Of a VQA model: file of the training questions.", valueName: "file"))
    var questions: String?
    @Option(help: ArgumentHelp("Format of the questions.", valueName: "name")) var format = QuestionFormat.jsonl
    @Option(help: ArgumentHelp("Names of the dev images, one a line, or file of the dev questions.", valueName: "file"))
    var dev: String
    @Option(
        help: ArgumentHelp(
            "Folder of other photographs: count those that would be warned of. Repeatable.", valueName: "dir"))
    var compare: [String] = []

    func validate() throws {
        switch (captions, train, questions) {
        case (.some, .some, nil), (nil, nil, .some): break
        default:
            throw ValidationError(
                "a captioner needs --captions, --train and --dev, a VQA model --questions and --dev")
        }
    }

    var folder: URL { URL(fileURLWithPath: images) }
}

struct ModelCalibrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate", abstract: "Add to a model what its training images are like.",
        usage: """
            mmx model calibrate <model> --images <dir> --captions <csv>
                --train <txt> --dev <txt> [<options>]
            mmx model calibrate <model> --images <dir> --questions <file>
                --dev <file> [<options>]
            """,
        discussion: """
              mmx model calibrate my-captioner --images DIR --captions captions.csv \\
                  --train train.txt --dev dev.txt
                  Calibrate a captioner.
              mmx model calibrate my-vqa --images DIR --questions train.jsonl \\
                  --dev dev.jsonl --compare DIR2
                  Calibrate a VQA model; count the unlike photographs of DIR2.

            mmx train does the same at its end. It computes the mean feature map of the training images, which stands \
            for "no image"; the distribution of their features, with the distance beyond which 5 % of the dev images \
            lie, and an image is warned of; the temperature that makes the words of the dev captions, or the answers \
            of the dev questions, likeliest; and how often a VQA model is right in each kind of dev questions.

            Written to calibration.json and calibration.safetensors in the model folder. They belong to the weights \
            of its encoder.
            """)

    @Argument(help: ArgumentHelp("Model: a folder, or the name of an installed model.", valueName: "model"))
    var model: String
    @OptionGroup(title: HelpGroup.data) var data: CalibrationDataOptions
    @OptionGroup(title: HelpGroup.output) var output: JSONOption

    func run() throws {
        let progress = Progress()
        let run = CalibrationRun(
            try ModelFolder.find(model), comparing: data.compare.map { URL(fileURLWithPath: $0) }
        ) { progress.count($0, of: $1, $2) }
        let report = try progress.clearing { try calibrate(run) }
        if output.json { return try StandardOutput.printJSON(JSON.pretty(report)) }
        try StandardOutput.print(Self.text(report))
    }

    private func calibrate(_ run: CalibrationRun) throws -> CalibrationReport {
        func url(_ path: String) -> URL { URL(fileURLWithPath: path) }
        if let captions = data.captions, let train = data.train {
            return try run.captioner(
                train: CaptionDataset(images: data.folder, captions: url(captions), split: url(train)),
                dev: CaptionDataset(images: data.folder, captions: url(captions), split: url(data.dev)))
        }
        func questions(_ path: String) throws -> QuestionDataset {
            try QuestionDataset(images: data.folder, questions: data.format.read(url(path)), path: path)
        }
        return try run.answerer(train: questions(data.questions ?? ""), dev: questions(data.dev))
    }

    private static func text(_ report: CalibrationReport) -> String {
        func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
        var rows = [
            ["training images", "\(report.images)"], ["dev images", "\(report.devImages)"],
            ["threshold", String(format: "%.4g", report.threshold)],
            ["dev images warned of", percent(report.devWarned)],
        ]
        if let temperature = report.temperature {
            rows += [
                ["temperature", String(format: "%.3f", temperature.value)],
                [
                    "expected calibration error",
                    "\(percent(temperature.errorBefore)) -> \(percent(temperature.errorAfter))",
                ],
                [
                    "-log p, mean",
                    String(
                        format: "%.3f -> %.3f nats (%d)", temperature.surpriseBefore, temperature.surpriseAfter,
                        temperature.count),
                ],
            ]
        }
        rows.append(["written", String(format: "%.1f kB", Double(report.bytes) / 1000)])
        var parts = [Table.text(rows)]
        if !report.kinds.isEmpty {
            let kinds = report.kinds.map { kind in
                [
                    kind.kind.rawValue, "\(kind.questions)", "\(kind.right)",
                    percent(Double(kind.right) / Double(max(1, kind.questions))),
                ]
            }
            parts.append(Table.text([["kind", "questions", "right", "accuracy"]] + kinds, right: [1, 2, 3]))
        }
        if !report.compared.isEmpty {
            let folders = report.compared.map { folder in
                [
                    folder.folder, "\(folder.images)", "\(folder.warned)",
                    percent(Double(folder.warned) / Double(folder.images)),
                    String(format: "%.3f", folder.areaUnderCurve),
                ]
            }
            parts.append(
                Table.text([["compared", "images", "warned of", "share", "AUC"]] + folders, right: [1, 2, 3, 4]))
        }
        return parts.joined(separator: "\n\n")
    }
}
