import Foundation
import Language
import Vision

/// Everything that decides how a captioner is trained; saved with the checkpoints, so that a run can be resumed and repeated.
public struct CaptionTrainingOptions: Codable, Equatable, Sendable {
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
    public var phases: [Phase] = [
        Phase(kind: .words, epochs: 12, learningRate: 8e-4, from: nil),
        Phase(kind: .words, epochs: 3, learningRate: 1e-4, from: "_blocks.16"),
    ]

    /// A stretch of training with one objective.
    public struct Phase: Codable, Equatable, Sendable {
        public enum Kind: String, Codable, Sendable {
            /// Cross-entropy of the reference captions' words.
            case words
            /// Self-critical sequence training (Rennie et al. 2017): the CIDEr-D of sampled captions, the other samples' mean as baseline.
            case reward
        }
        public var kind: Kind
        public var epochs: Int
        /// At the start of the phase; falls to a twentieth along a half cosine.
        public var learningRate: Float
        /// First stage of the encoder that is trained too; nil trains the decoder alone.
        public var from: String?
        /// The encoder's learning rate as a part of the decoder's.
        public var encoderScale: Float

        public init(kind: Kind, epochs: Int, learningRate: Float, from: String? = nil, encoderScale: Float = 0.2) {
            self.kind = kind
            self.epochs = epochs
            self.learningRate = learningRate
            self.from = from
            self.encoderScale = encoderScale
        }
    }

    public init() {}

    public var epochs: Int { phases.reduce(0) { $0 + $1.epochs } }

    /// The phase of an epoch, and how far into it the epoch is.
    func phase(_ epoch: Int) -> (phase: Phase, index: Int, epoch: Int)? {
        var epoch = epoch
        for (index, phase) in phases.enumerated() {
            if epoch < phase.epochs { return (phase, index, epoch) }
            epoch -= phase.epochs
        }
        return nil
    }
}

/// What the trainer tells while it works.
public enum TrainingEvent {
    case note(String)
    case caching(done: Int, of: Int)
    case step(epoch: Int, of: Int, batch: Int, batches: Int, loss: Double, secondsLeft: Double)
    case epoch(TrainingEpoch)
    case answerEpoch(AnswerTrainingEpoch)
}

/// One line of the training log.
public struct TrainingEpoch: Codable, Sendable {
    public var epoch: Int
    public var phase: String
    public var loss: Double
    public var devCIDEr: Double
    public var devBLEU4: Double
    public var seconds: Double
    public var best: Bool
}
