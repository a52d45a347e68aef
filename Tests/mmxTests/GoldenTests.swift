import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// Compares everything that `mmx caption`, `vqa`, `classify` and `evaluate maps` write with golden files.
final class GoldenTests: GoldenTestCase {
    private static func fixture(_ name: String) -> String {
        "'\(repository.appendingPathComponent("Tests/ExplainTests/Fixtures/\(name)").path)'"
    }

    private static let attending = fixture("toy-show-attend-and-tell")
    private static let plain = fixture("toy-show-and-tell")
    private static let answerer = fixture("toy-vqa")
    /// A caption that the model did not write.
    private let own = "--caption 'a red circle and a blue square'"

    private func assertCaption(
        _ name: String, _ command: String, model: String = attending, line: UInt = #line
    ) throws {
        try assertGolden("caption-\(name)", "caption --model \(model) \(command)", line: line)
    }

    private func assertAnswer(_ name: String, _ command: String, line: UInt = #line) throws {
        try assertGolden("vqa-\(name)", "vqa --model \(Self.answerer) \(command)", line: line)
    }

    /// A copy of a model with defaults for maps in its `config.json`.
    private func model(_ name: String, maps: String) throws -> String {
        let copy = url("own-maps")
        let config = copy.appendingPathComponent("config.json")
        try FileManager.default.copyItem(
            at: Self.repository.appendingPathComponent("Tests/ExplainTests/Fixtures/\(name)"), to: copy)
        guard case .object(var members) = try JSONValue.parse(String(contentsOf: config, encoding: .utf8)) else {
            throw CocoaError(.propertyListReadCorrupt)
        }
        members["maps"] = try JSONValue.parse(maps)
        try Data(JSONValue.object(members).lines().utf8).write(to: config)
        return copy.path
    }

    // MARK: mmx caption

    func testCaption_withoutTarget_matchesGolden() throws {
        try assertCaption("alone", "wide.png --beam 2")
    }

    func testCaption_withOneWord_matchesGolden() throws {
        try assertCaption("word", "wide.png --explain-word square", model: Self.plain)
    }

    func testCaption_withSeveralWordsAndMethods_matchesGolden() throws {
        try assertCaption(
            "methods",
            """
            wide.png \(own) --explain-word square --explain-word red --method grad-cam --method hirescam \
            --method grad-cam++ --sheet
            """)
    }

    func testCaption_withRunsOfTheModel_matchesGolden() throws {
        try assertCaption(
            "runs", "toy.png --explain-word blue --method score-cam --method ablation-cam --method activation",
            model: Self.plain)
    }

    func testCaption_withEveryWord_matchesGolden() throws {
        try assertCaption("every-word", "wide.png --explain-all --sheet", model: Self.plain)
        try assertCaption(
            "every-word-methods",
            """
            toy.png --caption 'a square' --explain-all --explain-word square --method centred-grad-cam \
            --method attention --sheet --output methods
            """)
    }

    func testCaption_withContrast_matchesGolden() throws {
        try assertCaption("contrast", "toy.png \(own) --explain-word circle --contrast red yellow --score logit")
    }

    func testCaption_withCounterfactual_matchesGolden() throws {
        try assertCaption(
            "counterfactual",
            "toy.png \(own) --explain-word blue --counterfactual --color-map coolwarm --smooth 3",
            model: Self.plain)
    }

    func testCaption_withQuestions_matchesGolden() throws {
        let questions = "--question 'what color is the circle?' --question 'is there a purple thing?'"
        try assertCaption(
            "questions",
            """
            toy.png \(questions) --answerer \(Self.answerer) --explain-word square --method grad-cam \
            --method layercam --sheet --scale shared
            """)
    }

    func testCaption_withBoxes_matchesGolden() throws {
        try assertCaption(
            "boxes",
            "wide.png \(own) --explain-word circle --boxes 0.3 --method xgrad-cam --method gradient")
    }

    func testCaption_withSeveralLayers_matchesGolden() throws {
        try assertCaption(
            "layers",
            """
            toy.png \(own) --explain-word circle --layer conv2 --layer conv4 --method layercam --method grad-cam \
            --method guided-grad-cam
            """)
    }

    func testCaption_withPixelMethods_matchesGolden() throws {
        try assertCaption(
            "pixels",
            """
            toy.png \(own) --explain-word circle --method gradient --method gradient-x-input --method deconvnet \
            --method guided-backpropagation --method smoothgrad --samples 6 --seed 3 --noise 0.1 --sheet
            """)
        try assertCaption(
            "pixel-runs",
            """
            wide.png --explain-word circle --method integrated-gradients --method occlusion --method rise \
            --samples 12 --seed 5 --baseline mean --window 16 --stride 12 --cells 4 --keep 0.4
            """, model: Self.plain)
    }

    func testCaption_withPhraseAndCaption_matchesGolden() throws {
        try assertCaption(
            "phrase",
            "toy.png \(own) --explain-phrase 'a blue square' --explain-caption --explain-word a --occurrence 1")
        try assertCaption("occurrence", "toy.png \(own) --explain-word a --occurrence 2")
    }

    func testCaption_withWordsItDoesNotHave_matchesGolden() throws {
        try assertCaption("absent-word", "toy.png --explain-word triangle --method grad-cam --method eigen-cam")
        try assertCaption(
            "unknown-words",
            "toy.png --caption 'a purple circle and something rd' --explain-caption")
    }

    func testCaption_withStepsOfOtherTools_matchesGolden() throws {
        for tool in ["ramprs", "captum", "torch-cam"] {
            try assertCaption(
                "compat-\(tool)", "wide.png \(own) --explain-word circle --compat \(tool)")
        }
        try assertCaption(
            "compat-pytorch-grad-cam",
            """
            wide.png \(own) --explain-word circle --compat pytorch-grad-cam --layer conv2 --layer conv4
            """)
    }

    func testCaption_withScalesLegendAndContours_matchesGolden() throws {
        try assertCaption(
            "drawing",
            """
            wide.png \(own) --explain-word red --explain-word and --method grad-cam --method layercam --scale shared \
            --legend --contour 0.5 --contour 0.8 --sheet
            """)
        try assertCaption(
            "fixed-scale",
            """
            toy.png \(own) --explain-word red --scale fixed --scale-maximum 1e-6 --blend even --opacity 0.4 \
            --color-map gray --output fixed
            """)
    }

    func testCaption_withMapsOfTheModelsOwn_matchesGolden() throws {
        let model = try model("toy-show-attend-and-tell", maps: #"{"method":"layercam","score":"logit","smoothing":3}"#)
        try assertCaption("own-maps", "toy.png --explain-word square", model: model)
    }

    // MARK: mmx vqa

    func testVQA_withAnswersAndMethods_matchesGolden() throws {
        try assertAnswer(
            "methods",
            """
            wide.png 'what color is the circle?' --answer red --answer two --method grad-cam --method eigen-cam \
            --sheet
            """)
    }

    func testVQA_withContrastAndQuestionsWords_matchesGolden() throws {
        try assertAnswer(
            "contrast", "toy.png 'is there a red circle?' --contrast yes no --explain-question --boxes --sheet")
    }

    func testVQA_withCounterfactualOfBestAnswer_matchesGolden() throws {
        try assertAnswer(
            "counterfactual", "wide.png 'how many circles are there?' --top 5 --counterfactual --explain-question")
    }

    func testVQA_withFileOfQuestions_matchesGolden() throws {
        try write("many.txt", "what color is the circle?\n\nis there a colr square\n")
        try assertAnswer(
            "file",
            """
            toy.png --question-file many.txt --answer yes --answer blue --layer conv3 --scale shared --sheet \
            --method grad-cam --method gradient
            """)
    }

    func testVQA_withMapsOfTheModelsOwn_matchesGolden() throws {
        let model = try model("toy-vqa", maps: #"{"method":"centred-grad-cam","smoothing":3}"#)
        try assertGolden("vqa-own-maps", "vqa --model \(model) wide.png 'what shape is the blue thing?' --boxes")
    }

    // MARK: mmx classify

    private func importClassifier() throws -> [String: String] {
        try importClassifier(classes: ["tabby, tabby cat", "dog", "tiger cat", "red fox"])
    }

    private func assertClasses(
        _ name: String, _ command: String, environment: [String: String], line: UInt = #line
    ) throws {
        try assertGolden("classify-\(name)", "classify --model tiny \(command)", environment: environment, line: line)
    }

    func testClassify_withoutTarget_matchesGolden() throws {
        try assertClasses("alone", "wide.png --top 3", environment: importClassifier())
    }

    func testClassify_withMethodsAndContrast_matchesGolden() throws {
        let environment = try importClassifier()
        try assertClasses(
            "methods",
            """
            wide.png --explain --contrast dog 'tiger cat' --method grad-cam --method cam --method guided-grad-cam \
            --sheet
            """, environment: environment)
        try assertClasses(
            "named", "toy.png --explain 'red fox' --contrast tabby 1 --smooth 3",
            environment: environment)
    }

    /// The classifier's folder has defaults for maps of its own.
    func testClassify_withMapsOfTheModelsOwn_matchesGolden() throws {
        let environment = try importClassifier()
        let config = url("models/tiny/config.json")
        guard case .object(var members) = try JSONValue.parse(String(contentsOf: config, encoding: .utf8)) else {
            return XCTFail("config.json is no object")
        }
        members["maps"] = try JSONValue.parse(#"{"method":"hirescam","smoothing":5}"#)
        try Data(JSONValue.object(members).lines().utf8).write(to: config)
        try assertClasses("own-maps", "wide.png --explain dog", environment: environment)
    }

    // MARK: mmx evaluate maps

    /// Writes scenes of several shapes and questions about them, with the boxes of the shapes that they ask about.
    private func writeQuestions() throws {
        var random = SeededGenerator(seed: 2_024)
        var lines: [String] = []
        for index in 0..<3 {
            let scene = ToyScene.questionScene(seed: 2_024, index: index)
            try scene.image.write(to: url("scene-\(index).png"))
            for question in scene.questions(using: &random) {
                let boxes = question.shapes.map { shape -> String in
                    let mask = ToyScene.mask(shape)
                    let inside = mask.indices.filter { mask[$0] }
                    let xs = inside.map { $0 % ToyScene.side }
                    let ys = inside.map { $0 / ToyScene.side }
                    let (left, top) = (xs.min() ?? 0, ys.min() ?? 0)
                    return "[\(left),\(top),\((xs.max() ?? 0) + 1),\((ys.max() ?? 0) + 1)]"
                }
                lines.append(
                    """
                    {"answer":"\(question.answer)","boxes":[\(boxes.joined(separator: ","))],\
                    "image":"scene-\(index).png","kind":"\(question.kind.rawValue)","question":"\(question.text)"}
                    """)
            }
        }
        try write("questions.jsonl", lines.joined(separator: "\n") + "\n")
    }

    private func assertMeasures(_ name: String, _ command: String, line: UInt = #line) throws {
        try assertGolden("evaluate-\(name)", "evaluate maps \(command)", line: line)
    }

    func testEvaluateMaps_withQuestions_matchesGolden() throws {
        try writeQuestions()
        try assertMeasures(
            "questions",
            """
            --images . --questions questions.jsonl --model \(Self.answerer) --kind color --limit 2 --smooth 3 \
            --method layercam --records records.jsonl --resamples 100
            """)
    }

    func testEvaluateMaps_withPhrases_matchesGolden() throws {
        try writeToyWorld(to: url("world"), seed: 2_024, train: 0, dev: 3)
        let phrases = """
            --images world/images --phrases world/phrases.tsv --masks world/masks --captions world/captions.csv \
            --split world/dev.txt --model \(Self.attending)
            """
        try assertMeasures(
            "phrases",
            """
            \(phrases) --kind form --limit 2 --score logit --method grad-cam --records records.jsonl \
            --resamples 100 --seed 7
            """)
        try assertMeasures("sanity", "\(phrases) --kind form --limit 2 --sanity --resamples 100")
    }

    func testEvaluateMaps_withFaithfulness_matchesGolden() throws {
        try writeQuestions()
        try assertMeasures(
            "faithfulness",
            """
            --images . --questions questions.jsonl --model \(Self.answerer) --limit 1 --faithfulness --resamples 100
            """)
    }
}
