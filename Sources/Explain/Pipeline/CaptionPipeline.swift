import Foundation
import Language
import Tasks
import Tensors
import Vision
import Weights

/// What `mmx caption` is asked to do.
public struct CaptionRequest: Sendable {
    public var photo: URL
    public var model: String
    /// A caption of the user's own; nil lets the model write one.
    public var caption: String?
    public var targets: [CaptionTarget]
    /// Questions about the same photograph, to be answered with a map each.
    public var questions: [AskedQuestion]
    /// The model that answers them. Where it shares the captioner's encoder, that runs once for both.
    public var answerer: String?
    /// One contact sheet of every word.
    public var sheet: Bool
    public var beam: Int?
    public var maps: MapRequest

    public init(
        photo: URL, model: String, caption: String? = nil, targets: [CaptionTarget] = [],
        questions: [AskedQuestion] = [], answerer: String? = nil, sheet: Bool = false, beam: Int? = nil,
        maps: MapRequest
    ) {
        self.photo = photo
        self.model = model
        self.caption = caption
        self.targets = targets
        self.questions = questions
        self.answerer = answerer
        self.sheet = sheet
        self.beam = beam
        self.maps = maps
    }
}

extension CaptionRequest {
    /// What the questions ask of the model that answers, drawn and written as the caption's own maps are.
    fileprivate var answers: AnswerRequest? {
        guard let answerer, !questions.isEmpty else { return nil }
        return AnswerRequest(photo: photo, model: answerer, questions: questions, maps: maps)
    }
}

/// From a photograph to its caption, its words' maps and the files that show them.
public enum CaptionPipeline {
    /// - Parameter progress: called with the runs of the model done and to do, by methods that take many.
    /// - Throws: errors of the model, the photograph, the request or the output folder; nothing half-written is left.
    public static func run(
        _ request: CaptionRequest, progress: ((Int, Int) -> Void)? = nil
    ) throws -> CaptionManifest {
        let folder = try ModelFolder.find(request.model)
        let weights = FileHash(model: folder)
        let photo = try PhotoFile(request.photo)
        let captioner = try Captioner.load(folder)
        let explainer = try CaptionExplainer(captioner, layers: request.maps.layers)
        let methods = try explainer.methods(request.maps.recipe)
        let answering = try request.answers.map { try AnswerRun($0, sharing: captioner.modelEncoder) }
        let picture = captioner.configuration.preprocessing.prepare(photo.image)
        let seen = explainer.look(at: picture.tensor, for: methods)

        var options = captioner.configuration.search
        if let beam = request.beam { options.beam = beam }
        var warnings: [String] = []
        let words: [Int]
        if let own = request.caption {
            (words, warnings) = try explainer.indices(of: own)
        } else {
            words = explainer.caption(seen, options: options)
        }
        if words.isEmpty { warnings.append("the model has no words for this picture") }
        let targets = request.targets + (request.sheet ? [.everyWord] : [])
        let explanation = try explainer.explain(
            seen, words: words, targets: targets, recipe: request.maps.recipe, progress: progress)
        try ModelError.check(explanation.logProbabilities, of: folder)
        let answers = try answering?.answers(photo, seen: seen, progress: progress)

        let maps = MapFiles(
            request.maps, photo: photo.image, placement: picture.placement, own: captioner.configuration.maps)
        var manifest = CaptionManifest(
            tool: "mmx 0.1.0", task: "captioning",
            model: .init(
                name: folder.lastPathComponent, path: folder.path, sha256: try weights.value,
                encoder: captioner.configuration.encoder.name, sharedEncoder: captioner.configuration.sharedEncoder,
                decoder: captioner.configuration.decoder.kind.rawValue),
            photo: photo.description,
            preprocessing: captioner.configuration.preprocessing, caption: sentence(explanation.words),
            captionGivenByUser: request.caption != nil, search: request.caption == nil ? options : nil,
            words: zip(explanation.words, explanation.logProbabilities).map {
                .init(word: $0, logProbability: $1, probability: exp($1))
            },
            endLogProbability: explanation.logProbabilities.last ?? 0, layer: explanation.layer,
            wordScore: explanation.wordScore, isCounterfactual: request.maps.recipe.isCounterfactual, scores: [],
            rendering: maps.rendering, sheet: nil, methodSheet: nil, manifest: nil, answers: nil,
            warnings: warnings + explanation.warnings)
        if let answering, let answers { manifest.answers = try answering.write(answers, of: photo) }
        if targets.isEmpty { return manifest }
        let wanted = explanation.scores.count - (request.sheet ? explanation.words.count * methods.count : 0)
        let files = ExplanationFiles(request: request, stem: photo.stem, maps: maps)
        try files.write(explanation, wanted: wanted, into: &manifest)
        return manifest
    }
}
