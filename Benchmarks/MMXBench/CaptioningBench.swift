import Explain
import Foundation
import Language
import Tasks
import Tensors
import Vision
import Weights

/// One warm caption and one word's map, through the same calls as `mmx caption`.
final class CaptioningBench {
    private let captioner: Captioner
    private let explainer: Explainer<Captioner>
    private var photo = PreparedPhoto()

    init(model: String, withEvidence: Bool) throws {
        var captioner = try Captioner.load(ModelFolder.find(model))
        if !withEvidence { captioner.calibration = nil }
        self.captioner = captioner
        explainer = try Explainer(captioner)
    }

    var description: Bench.Answer { Bench.Answer(vocabulary: captioner.vocabulary.count) }

    /// The photograph that the next commands are about (``PreparedPhoto``).
    func prepare(photo path: String, output: String?) throws {
        try photo.read(path, captioner.configuration.preprocessing, output: output)
    }

    /// The encoder alone.
    func look() throws -> Bench.Answer {
        let image = try photo.tensor
        var shape: [Int] = []
        let time = Duration { shape = captioner.features(image).shape }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, features: shape)
    }

    /// Encoder, beam search, the caption's log-probabilities, one word's Grad-CAM map, or every word's. Without `word`,
    /// the longest.
    func explain(word: String?, every: Bool, output: String?) throws -> Bench.Answer {
        let image = try photo.tensor
        var explanation: Explanation<Captioner>?
        var words: [Int] = []
        let time = try Duration {
            let encoded = explainer.encode(image)
            words = explainer.caption(encoded)
            if every {
                explanation = try explainer.explain(encoded, input: words, targets: [.everyWord])
                return
            }
            let target = word ?? captioner.vocabulary.decode(words).max { $0.count < $1.count } ?? ""
            explanation = try explainer.explain(encoded, input: words, targets: [.word(target)])
        }
        if let output, let maps = explanation?.attributions.map(\.map), let first = maps.first {
            let all = Tensor([maps.count] + first.shape, maps.flatMap(\.array))
            try NumPyArray.write(all, to: URL(fileURLWithPath: output))
        }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, caption: explanation?.output.words, words: words)
    }

    /// Photographs from files to every word's raw map. Each runs on one thread; as many run at once as there are threads.
    func throughput(_ photos: [String]) throws -> Bench.Answer {
        var found = [Result<String, any Error>?](repeating: nil, count: photos.count)
        let time = found.withUnsafeMutableBufferPointer { found in
            nonisolated(unsafe) let found = found
            return Duration {
                Parallel.forEach(photos.count) { i in
                    found[i] = Result {
                        let photo = try Image.read(URL(fileURLWithPath: photos[i]))
                        let encoded = explainer.encode(captioner.configuration.preprocessing.prepare(photo).tensor)
                        let words = explainer.caption(encoded)
                        _ = try explainer.explain(encoded, input: CaptionWords(words), targets: [.everyWord])
                        return captioner.vocabulary.decode(words).joined(separator: " ")
                    }
                }
            }
        }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, captions: try found.compactMap { try $0?.get() })
    }
}
