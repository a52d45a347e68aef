import Vision

/// One attribution of one target in a manifest. In JSON the subject's keys stand among the others.
@dynamicMemberLookup
public struct ManifestTarget<Subject: Codable & Sendable>: Codable, Sendable {
    /// What is explained: a word, an answer, a class.
    public var name: String
    /// The number that is explained, y: a sum of log-probabilities in nats, or scores before the softmax.
    public var value: Float
    /// What the image says of the target. In JSON its keys stand among the others.
    public var evidence: Evidence
    /// The method's name, as "grad-cam".
    public var method: String
    /// What the map lies over: layers or "pixels". In JSON `place`.
    public var support: String
    /// The raw map in numbers.
    public var map: ManifestMap
    /// Where the map and its images are.
    public var files: ManifestFiles
    /// Gradient times input, word by word in the question's order (`--explain-question`); beside the first method only.
    public var words: [ManifestWord]?
    /// What is doubtful about the target or its map.
    public var warnings: [String]
    /// What the target is about: positions in a caption, an answer or a class, with its rank.
    public var subject: Subject

    private enum CodingKeys: String, CodingKey {
        case name, value, method, map, files, words, warnings
        case support = "place"
    }

    init(
        name: String, value: Float, evidence: Evidence, method: String, support: String, map: ManifestMap,
        files: ManifestFiles,
        words: [ManifestWord]?, warnings: [String], subject: Subject
    ) {
        (self.name, self.value, self.method, self.support) = (name, value, method, support)
        self.evidence = evidence
        (self.map, self.files, self.words, self.warnings, self.subject) = (map, files, words, warnings, subject)
    }

    /// Reads the attribution and its subject from one object.
    /// - Throws: `DecodingError`.
    public init(from decoder: any Swift.Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        value = try values.decode(Float.self, forKey: .value)
        evidence = try Evidence(from: decoder)
        method = try values.decode(String.self, forKey: .method)
        support = try values.decode(String.self, forKey: .support)
        map = try values.decode(ManifestMap.self, forKey: .map)
        files = try values.decode(ManifestFiles.self, forKey: .files)
        words = try values.decodeIfPresent([ManifestWord].self, forKey: .words)
        warnings = try values.decode([String].self, forKey: .warnings)
        subject = try Subject(from: decoder)
    }

    /// Writes the attribution and its subject into one object.
    public func encode(to encoder: any Swift.Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(value, forKey: .value)
        try values.encode(method, forKey: .method)
        try values.encode(support, forKey: .support)
        try values.encode(map, forKey: .map)
        try values.encode(files, forKey: .files)
        try values.encodeIfPresent(words, forKey: .words)
        try values.encode(warnings, forKey: .warnings)
        try evidence.encode(to: encoder)
        try subject.encode(to: encoder)
    }

    /// A part of the subject: `target.positions` is `target.subject.positions`.
    public subscript<T>(dynamicMember path: KeyPath<Subject, T>) -> T { subject[keyPath: path] }
}

/// A word of a question and what it contributed to a target.
public struct ManifestWord: Codable, Sendable {
    /// As it was asked, in lower case.
    public var word: String
    /// Positive where the word speaks for the target.
    public var contribution: Float
    /// What the word adds to the target's log-probability, in nats: less that for the question without the word.
    public var evidence: Float?
    /// false for a word that the model does not know; nil for all others.
    public var known: Bool?
}

/// A raw map in numbers.
public struct ManifestMap: Codable, Sendable {
    /// Rows and columns of the raw map, `[u, v]`.
    public var shape: [Int]
    /// The smallest value of the raw map, in the method's own unit; what is not finite counts as 0.
    public var minimum: Float
    /// The largest value of the raw map.
    public var maximum: Float
    /// The sum of the positive values.
    public var positiveMass: Float
    /// The smallest part of the map's cells that holds half of the smoothed map's positive mass, 0...1: small where the
    /// map points at one place, 0.5 where it is even; nil where no value is positive.
    public var halfMassArea: Float?
    /// Centre of the smoothed map's cell with the largest value, in pixels of the photograph; nil when none is
    /// positive.
    public var peak: ManifestPoint?
    /// Magnitudes above it are drawn as if they were it: the 99th percentile of a map of pixels, nil for one of cells.
    public var clippedAt: Float?
    /// The box around the largest segment of the drawn map above the threshold (`--boxes`), in pixels of the
    /// photograph; nil when none was asked for, or nothing is positive.
    public var box: Rectangle?
    /// What the drawn map was divided by (`--scale`); nil where nothing was.
    public var drawnMaximum: Float?
    /// How strongly the map is drawn where its evidence decides (`--scale evidence`), 0...1; nil elsewhere.
    public var strength: Float?
}

/// A place in the photograph, in pixels.
public struct ManifestPoint: Codable, Sendable {
    /// To the right from the photograph's left edge.
    public var x: Double
    /// Down from the photograph's upper edge.
    public var y: Double
}

/// Names of the files of one attribution, in the folder of the manifest.
public struct ManifestFiles: Codable, Sendable {
    /// The map over the photograph, PNG, at the photograph's size with the legend, if any, below; nil where no images
    /// were drawn.
    public var overlay: String?
    /// The map alone, PNG, of the same size; nil where no images were drawn.
    public var heatMap: String?
    /// The raw signed map, NumPy `.npy`; with `--compat`, the tool's at the layer's resolution.
    public var rawMap: String?
    /// With `--compat`, the tool's map for the model's input, NumPy `.npy`.
    public var toolMap: String?
    /// The map as the images show it (`--drawn-map`), NumPy `.npy`: one number for each pixel of the photograph.
    public var drawnMap: String?
}
