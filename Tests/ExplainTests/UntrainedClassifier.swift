import Tasks
import Tensors
import Vision

/// A classifier with seeded, untrained weights.
/// - Parameter side: of the square input, in pixels; nil takes the architecture's own.
func untrainedClassifier(
    _ name: String = "tiny", classes: Int = 5, side: Int? = nil, maps: MapConfiguration? = nil
) throws -> Classifier {
    let usual = try Architectures.named(name).preprocessing
    let preprocessing = Preprocessing(
        width: side ?? usual.width, height: side ?? usual.height, fit: .squash, filter: .bilinear, mean: usual.mean,
        std: usual.std)
    let names = ["cat, house cat", "dog", "red fox", "fox", "yes"]
    return try Classifier(
        configuration: ClassifierConfiguration(
            encoder: EncoderConfiguration(name: name, folded: true), preprocessing: preprocessing, classes: classes,
            labels: "classes.txt", maps: maps),
        classes: names.prefix(classes) + (5..<max(5, classes)).map { "class \($0)" },
        parameters: ParameterStore(seed: 11).scope())
}
