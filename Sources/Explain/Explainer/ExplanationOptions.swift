import Tasks

/// How targets become maps.
public struct ExplanationOptions: Sendable {
    /// The layers that maps lie over; the maps of several are fused. The encoder's last layer where there is none.
    public var layers: [String]
    /// One attribution for each method and target. The model's own method where there is none.
    public var methods: [any ExplanationMethod]
    /// Explain what speaks against the target instead of for it: the same with -dy (Selvaraju et al. 2017, section
    /// 3.3).
    public var isCounterfactual: Bool
    /// Explain what sets each target apart from what is most like it, by any method; nil for the target itself.
    public var comparison: TargetComparison?
    /// Which number of a caption's word is explained; nil takes the model's own.
    public var wordScore: WordScore?
    /// The tool whose steps are taken from a layer's weighted channels to the image; nil for mmx's own.
    public var compatibility: Compatibility?
    /// Whether the words of a question get a number each, too: what each contributed to the target.
    public var explainsWords: Bool

    /// What is left out, the model's own defaults decide: see each property.
    public init(
        layers: [String] = [], methods: [any ExplanationMethod] = [], isCounterfactual: Bool = false,
        comparison: TargetComparison? = nil, wordScore: WordScore? = nil, compatibility: Compatibility? = nil,
        explainsWords: Bool = false
    ) {
        self.layers = layers
        self.methods = methods
        self.isCounterfactual = isCounterfactual
        self.comparison = comparison
        self.wordScore = wordScore
        self.compatibility = compatibility
        self.explainsWords = explainsWords
    }

    /// The options with what they leave open taken from the model: the methods of its `config.json`, or else Grad-CAM;
    /// the word score. A method that is named twice counts once.
    /// - Throws: ``ExplanationError`` for a configuration that names no method.
    func filled(from own: MapConfiguration?) throws -> ExplanationOptions {
        var options = self
        options.wordScore = wordScore ?? own?.score
        var names = Set<String>()
        options.methods = methods.filter { names.insert($0.name).inserted }
        if !methods.isEmpty { return options }
        guard let name = own?.method else {
            options.methods = [GradCAM()]
            return options
        }
        do { options.methods = [try Methods.named(name)] } catch let error as ExplanationError {
            throw ExplanationError(
                kind: error.kind, description: "maps.method in the model's config.json: \(error.description)")
        }
        return options
    }

    /// Checks that every method applies to these layers, before anything is computed.
    /// - Throws: ``ExplanationError``.
    func check(_ layers: EncoderLayers) throws {
        if let tool = compatibility, !tool.fusesLayers, layers.names.count > 1 {
            throw ExplanationError(
                kind: .methodDoesNotApply,
                description:
                    "\(tool.rawValue) draws over one layer and has no way to fuse several; give one --layer or "
                    + "leave out --compat")
        }
        for method in methods {
            if isCounterfactual && !method.hasCounterfactual {
                throw ExplanationError(
                    kind: .methodDoesNotApply,
                    description: "\(method.name) does not know what speaks against a score and has no counterfactual; "
                        + "leave out --counterfactual or take --method grad-cam")
            }
            if method.support == .lastLayer && !layers.isLast {
                throw ExplanationError(
                    kind: .methodDoesNotApply,
                    description: "\(method.name) is a map of the encoder's last layer, \(layers.lastLayer), not of "
                        + "\(layers.names.joined(separator: " and ")); leave out --layer or take --method grad-cam")
            }
        }
    }
}
