import Foundation
import Language
import Vision

/// The options of a captioner's training. They are saved with the checkpoints, so that a run can be resumed.
public struct CaptionTrainingOptions: TrainerOptions, Sendable {
    public var encoder = "efficientnet-lite2"
    public var decoder = DecoderConfiguration.Kind.showAttendAndTell
    public var embedding = 512
    public var hidden = 512
    public var attention = 256
    /// Words seen less often than this in the training captions become `<unknown>`.
    public var minimumCount = 5
    /// Words of captions without images that are seen at least so often become words too.
    public var textMinimumCount = 50
    /// The number of captions without images (see ``TextOnlyImages``) in an epoch, as texts for each training image.
    public var textShare: Float = 1
    /// Weight of the cross-entropy of captions without images in a phase on the reward, relative to the reward's loss.
    public var textWeight: Float = 0.3
    public var seed: UInt64 = 1
    /// Images in one batch, each with `captionsPerPicture` captions.
    public var batch = 26
    public var captionsPerPicture = 5
    public var maximumLength = 22
    public var dropout: Float = 0.4
    public var labelSmoothing: Float = 0.1
    public var clipNorm: Float = 5
    /// Decay of the running average of the weights, which is evaluated and kept.
    public var averageDecay: Float = 0.999
    /// Whether an epoch shows each image or its mirror image, at random.
    public var flips = true
    /// The number of random crops of each image that an epoch may show instead of the whole (see ``Augmentation``).
    public var crops = 0
    /// Weight of the loss of phrases with boxes (see ``GroundingBatch``), relative to the captions' loss; 0 for none.
    public var grounding: Float = 0
    /// Weight of the lesson where to look before the head word of a phrase with boxes (see ``AttentionLesson``),
    /// relative to the captions' loss; 0 for none.
    public var attentionGrounding: Float = 0
    /// Width of the decoder's visual term, which the phrases train.
    public var visual = 256
    /// Captions of each image in a batch of ``attentionGrounding``.
    public var boxedCaptionsPerPicture = 2
    /// Phrases of each image in a batch.
    public var phrasesPerPicture = 12
    public var phases = [
        TrainingPhase(kind: .words, epochs: 12, learningRate: 8e-4, from: nil),
        TrainingPhase(kind: .words, epochs: 3, learningRate: 1e-4, from: "_blocks.16"),
    ]

    public init() {}
}
