import Tasks
import Tensors

/// How scores become maps.
public struct MapRecipe: Sendable {
    /// One map a method for each score; the model's own method where there is none.
    public var methods: [any ExplanationMethod]
    /// What speaks against the score instead of for it: the same with -dy (Selvaraju et al. 2017, section 3.3).
    public var isCounterfactual: Bool
    /// Which number of a caption's word is explained; nil takes the model's own.
    public var wordScore: WordScore?

    public init(
        methods: [any ExplanationMethod] = [], isCounterfactual: Bool = false, wordScore: WordScore? = nil
    ) {
        self.methods = methods
        self.isCounterfactual = isCounterfactual
        self.wordScore = wordScore
    }

    /// The methods, or else that of the model's `config.json`, or else Grad-CAM.
    /// - Throws: ``ExplanationError`` for a configuration that names no method.
    func methods(or own: MapConfiguration?) throws -> [any ExplanationMethod] {
        if !methods.isEmpty { return methods }
        guard let name = own?.method else { return [GradCAM()] }
        do { return [try Methods.named(name)] } catch let error as ExplanationError {
            throw ExplanationError(
                kind: error.kind, description: "maps.method in the model's config.json: \(error.description)")
        }
    }

    /// What the methods take of the scores.
    func sums(_ sums: [ScoreSum]) -> [ScoreSum] { isCounterfactual ? sums.map(\.negated) : sums }

    /// That every method applies to these layers, before anything is computed.
    /// - Throws: ``ExplanationError``.
    func check(_ methods: [any ExplanationMethod], cut: EncoderCut) throws {
        for method in methods {
            if isCounterfactual && !method.hasCounterfactual {
                throw ExplanationError(
                    kind: .methodDoesNotApply,
                    description: "\(method.name) does not know what speaks against a score and has no counterfactual; "
                        + "leave out --counterfactual or take --method grad-cam")
            }
            if method.place == .lastLayer && !cut.isLast {
                throw ExplanationError(
                    kind: .methodDoesNotApply,
                    description: "\(method.name) is a map of the encoder's last layer, \(cut.lastLayer), not of "
                        + "\(cut.layers.joined(separator: " and ")); leave out --layer or take --method grad-cam")
            }
        }
    }
}

/// One method's maps of all scores.
struct MethodMaps {
    let method: String
    /// The layers, or "pixels".
    let place: String
    /// `[S, h, w]`
    let maps: Tensor
    /// Of each score.
    let warnings: [[String]]

    /// Runs the method over each of the layers, and fuses what it finds where there are several.
    init(_ method: any ExplanationMethod, of scores: ExplainedScores) throws {
        self.method = method.name
        let layers = scores.layers
        if method.place == .layer && layers.count > 1 {
            maps = LayerFusion.fuse(try layers.map { try method.maps(of: $0) })
        } else {
            maps = try method.maps(of: scores)
        }
        place = method.place == .pixels ? "pixels" : layers.map(\.layer).joined(separator: " + ")
        warnings = scores.takeWarnings()
    }
}
