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
    /// The tool whose steps are taken from a layer's weighted channels to the picture; nil for mmx's own.
    public var compatibility: Compatibility?

    public init(
        methods: [any ExplanationMethod] = [], isCounterfactual: Bool = false, wordScore: WordScore? = nil,
        compatibility: Compatibility? = nil
    ) {
        self.methods = methods
        self.isCounterfactual = isCounterfactual
        self.wordScore = wordScore
        self.compatibility = compatibility
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
        if let tool = compatibility, !tool.fusesLayers, cut.layers.count > 1 {
            throw ExplanationError(
                kind: .methodDoesNotApply,
                description: "\(tool.rawValue) draws over one layer and has no way to fuse several; give one --layer or "
                    + "leave out --compat")
        }
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

    /// Runs the method over each of the layers, and fuses what it finds where there are several: as `tool` does, or as
    /// ``LayerFusion``.
    init(_ method: any ExplanationMethod, of scores: ExplainedScores, as tool: Compatibility? = nil) throws {
        self.method = method.name
        let layers = scores.layers
        if method.place == .layer && layers.count > 1 {
            let found = try layers.map { try method.maps(of: $0) }
            maps =
                tool.map {
                    $0.fuse(
                        found, method: method.name, height: scores.picture.shape[1], width: scores.picture.shape[2])
                } ?? LayerFusion.fuse(found)
        } else {
            maps = try method.maps(of: scores)
        }
        place = method.place == .pixels ? "pixels" : layers.map(\.layer).joined(separator: " + ")
        warnings = scores.takeWarnings()
    }
}
