import Language
import Tensors

extension FittedTemperature {
    /// The temperature of a captioner's words on reference captions: at each word, the decoder has read the reference's
    /// words before it. Words that the vocabulary lacks are left out; the end of a caption is a word.
    /// - Parameters:
    ///   - captions: of each image, at least one, as indices into the vocabulary, without start and end.
    ///   - features: the images' feature maps.
    static func fit(
        _ decoder: any CaptionDecoder, vocabulary: Vocabulary, captions: [[[Int]]], features: FeatureMaps
    ) throws -> FittedTemperature? {
        try fit { batch in
            try features.eachBatch { maps, from in
                let (rows, weights) = VQATask.rows(Array(captions[from..<from + maps.shape[0]]))
                let forced = TeacherForcing(
                    captions: rows.map { Array($0.prefix(longest)) }, weights: weights, start: vocabulary.start,
                    end: vocabulary.end, pad: vocabulary.pad)
                let logits = decoder.logits(features: Variable(maps), words: forced.inputs, dropout: nil).value
                batch(
                    logits.reshaped([-1, vocabulary.count]),
                    zip(forced.targets, forced.weights).map { $1 > 0 && $0 != vocabulary.unknown ? $0 : nil })
            }
        }
    }

    /// The most words of a reference that are read: memory grows with their number.
    private static let longest = 60
}
