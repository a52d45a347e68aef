import Foundation
import Language
import Tasks
import Tensors
import Vision
import Weights

/// Steps of the decoder's training on cached features: what `CaptionTrainer` does in a step of its first phase, from a
/// model's own weights.
final class TrainingBench {
    private let configuration: CaptionerConfiguration
    private let vocabulary: Vocabulary
    private let store: ParameterStore
    private let optimizer = Adam(learningRate: 8e-4)
    private let cache: FeatureCache
    private var average: [String: Tensor] = [:]
    private var seed: UInt64 = 1

    /// - Parameter folder: holds `bench.f16`, and `bench.json` with its number of rows.
    init(model: String, folder: String) throws {
        let root = try ModelFolder.find(model)
        let captioner = try Captioner.load(root)
        configuration = captioner.configuration
        vocabulary = captioner.vocabulary
        store = ParameterStore(
            strict: try SafeTensors.read(root.appendingPathComponent("model.safetensors")), origin: root.path)
        struct Label: Decodable { var rows: Int }
        let url = URL(fileURLWithPath: folder)
        let label = try JSONDecoder().decode(
            Label.self, from: Data(contentsOf: url.appendingPathComponent("bench.json")))
        cache = try FeatureCache(
            images: [URL](repeating: url, count: label.rows), preprocessing: configuration.preprocessing,
            augmentation: .none,
            folder: url,
            name: "bench", key: "bench", front: { $0 }, progress: { _, _ in })
    }

    /// Reads the pictures' features, runs the decoder over the captions forward and backward, clips, moves the
    /// parameters and their average.
    func step(pictures: [Int], captions: [[Int]], dropout rate: Float) throws -> Bench.Answer {
        seed += 1
        var loss = 0.0
        let time = Duration {
            let features = cache.batch(pictures)
            let tape = Tape()
            let decoder = configuration.decoder.makeDecoder(store.scope(on: tape)["decoder"])
            let weights = [Float](repeating: 1, count: captions.count)
            let batch = TeacherForcing(
                captions: captions, weights: weights, start: vocabulary.start, end: vocabulary.end, pad: vocabulary.pad)
            let logits = decoder.logits(
                features: Variable(features), words: batch.inputs, dropout: Dropout(rate: rate, seed: seed))
            let cost = crossEntropy(
                logits.reshaped([-1, vocabulary.count]), targets: batch.targets, weights: batch.weights, smoothing: 0.1)
            let leaves = store.leaves.sorted { $0.key < $1.key }
            let gradients = tape.gradients(of: cost, withRespectTo: leaves.map(\.value))
            optimizer.step(
                store, gradients: Dictionary(uniqueKeysWithValues: zip(leaves.map(\.key), gradients)), clipNorm: 5)
            for (name, _) in leaves {
                guard let value = store.values[name] else { continue }
                let mean = average[name].map {
                    (Variable($0).scaled(by: 0.999) + Variable(value).scaled(by: 0.001)).value
                }
                average[name] = mean ?? value.copy()
            }
            loss = Double(cost.value.scalar)
        }
        return Bench.Answer(wall: time.wall, cpu: time.cpu, loss: loss)
    }
}
