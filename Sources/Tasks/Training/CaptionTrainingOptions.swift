import Foundation
import Language
import Vision

/// Everything that decides how a captioner is trained; saved with the checkpoints, so that a run can be resumed and repeated.
public struct CaptionTrainingOptions: TrainerOptions, Sendable {
    public var encoder = "efficientnet-lite2"
    public var decoder = DecoderConfiguration.Kind.showAttendAndTell
    public var embedding = 512
    public var hidden = 512
    public var attention = 256
    /// Words seen less often than this in the training captions become `<unknown>`.
    public var minimumCount = 5
    public var seed: UInt64 = 1
    /// Pictures in one batch, each with `captionsPerPicture` captions.
    public var batch = 26
    public var captionsPerPicture = 5
    public var maximumLength = 22
    public var dropout: Float = 0.4
    public var labelSmoothing: Float = 0.1
    public var clipNorm: Float = 5
    /// Decay of the running average of the weights, which is what is evaluated and kept.
    public var averageDecay: Float = 0.999
    /// Each epoch shows a picture or its mirror image, at random.
    public var flips = true
    /// Random crops of each picture that an epoch may show instead of the whole (see ``Augmentation``).
    public var crops = 0
    /// Weight of what phrases with boxes teach (see ``GroundingBatch``), beside the captions' loss; 0 is without.
    public var grounding: Float = 0
    /// Width of the decoder's visual term, which they teach.
    public var visual = 256
    /// Phrases of each picture in a batch.
    public var phrasesPerPicture = 12
    public var phases = [
        TrainingPhase(kind: .words, epochs: 12, learningRate: 8e-4, from: nil),
        TrainingPhase(kind: .words, epochs: 3, learningRate: 1e-4, from: "_blocks.16"),
    ]

    public init() {}
}
