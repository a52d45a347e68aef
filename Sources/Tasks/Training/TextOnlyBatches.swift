import Tensors
import Vision

/// Made-up feature maps among those of a batch. Images without a file have the numbers after the training images', and
/// the seeds of their plans as the numbers of their copies.
extension TextOnlyImages {
    /// Whether an image has no file.
    func isMadeUp(_ image: Int) -> Bool { image >= trainingCount }

    /// The plan of an image without a file; nil for the others.
    /// - Parameters:
    ///   - seed: what ``input(_:draws:from:phrases:)`` gives as its copy.
    ///   - copies: the number of copies of each training image.
    func plan(ofImage image: Int, seed: Int, copies: Int) -> Plan? {
        isMadeUp(image) ? plan(image - trainingCount, copies: copies, seed: seed) : nil
    }

    /// The feature maps of a batch, `[M, u, v, K]`, and the images' copies.
    /// - Parameters:
    ///   - draws: a random number for each image.
    ///   - phrases: what the training images show; without it nothing is taken out of a map.
    func input(
        _ images: [Int], draws: [UInt64], from cache: FeatureCache, phrases: GroundedPhrases?
    ) -> (copies: [Int], input: Tensor) {
        let seeds = draws.map { Int($0 >> 1) }
        let copies = images.indices.map { isMadeUp(images[$0]) ? seeds[$0] : Int(draws[$0] % UInt64(cache.copies)) }
        let plans = images.indices.map { i -> Plan? in
            if isMadeUp(images[i]) { return plan(ofImage: images[i], seed: seeds[i], copies: cache.copies) }
            // Two thirds of the real images are drawn into as well.
            return (draws[i] >> 40) % 3 == 0 ? nil : plan(ofTraining: images[i], copy: copies[i], seed: seeds[i])
        }
        let input = cache.batch(
            zip(images, plans).map { $1?.base ?? $0 }, copies: zip(copies, plans).map { $1?.copy ?? $0 })
        let (rows, columns) = (input.shape[1], input.shape[2])
        let size = input.count / max(1, images.count)
        Parallel.forEach(images.count) { i in
            guard let plan = plans[i] else { return }
            var unnamed = [Float](repeating: 0, count: rows * columns)
            if let phrases, isMadeUp(images[i]) {
                let boxes = self.unnamed(
                    phrases.targets[plan.base], in: images[i] - trainingCount, people: phrases.people
                ).flatMap(\.boxes)
                unnamed = phrases.coverage.cells(
                    of: boxes, image: plan.base, copy: plan.copy, rows: rows, columns: columns)
            }
            draw(
                plan, into: input.pointer + i * size, rows: rows, columns: columns, unnamed: unnamed, seed: seeds[i])
        }
        return (copies, withExtendedLifetime(input) { input })
    }
}
