import Support
import Vision

/// What is measured in addition to the metrics that compare maps with regions.
public struct EvaluationOptions: Sendable {
    /// Whether deletion, insertion, average drop, ROAD and occlusion are measured. They need hundreds of runs of the
    /// model for each target.
    public var faithfulness: Bool
    /// Whether the similarity of the maps of one caption's words is measured, and the similarity of maps before and
    /// after the model's layers are randomised (``CascadingRandomisation``).
    public var sanity: Bool
    /// Targets with less evidence, in nats, are left out, and so are those whose evidence is not known; nil keeps all.
    public var minimumEvidence: Double?
    /// The largest number of targets of each image, evenly spread over its targets; nil for all.
    public var perImage: Int?
    /// For the intervals of the figures.
    public var bootstrap: Bootstrap
    /// The largest image to read.
    public var imageLimits: ImageLimits

    /// Options. See the properties for the meaning of each value.
    public init(
        faithfulness: Bool = false, sanity: Bool = false, minimumEvidence: Double? = nil, perImage: Int? = nil,
        bootstrap: Bootstrap = Bootstrap(), imageLimits: ImageLimits = .standard
    ) {
        self.faithfulness = faithfulness
        self.sanity = sanity
        self.minimumEvidence = minimumEvidence
        self.perImage = perImage
        self.bootstrap = bootstrap
        self.imageLimits = imageLimits
    }

    /// The indices of the targets that are measured, of an image's.
    func chosen(_ targets: [MapTarget]) -> [Int] {
        var found = Array(targets.indices)
        if let minimumEvidence {
            found = found.filter { index in
                guard case .fraction(let evidence) = targets[index].fields["evidence"] else { return false }
                return evidence >= minimumEvidence
            }
        }
        guard let perImage, found.count > perImage else { return found }
        return (0..<perImage).map { found[$0 * found.count / perImage] }
    }
}

/// No target has as much evidence as was asked for.
public struct NoEvidence: UserFacingError, Equatable {
    /// The request cannot be met.
    public static let failureCode = FailureCode.request
    /// In nats.
    public var minimum: Double

    /// Says so, and what may be the reason.
    public var description: String {
        "no word or answer is left to measure: the image says less than \(minimum) nats of each, or the model's folder "
            + "has no calibration, without which evidence is not known (mmx model calibrate)"
    }
}
