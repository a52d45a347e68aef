import Foundation

/// Images with questions.
public final class QuestionDataset: Sendable {
    public struct Entry: Equatable, Sendable {
        /// The file's name in the image folder.
        public let image: String
        /// At least one, in the file's order.
        public let questions: [Question]
    }

    /// In the order in which the images first occur among the questions.
    public let entries: [Entry]
    private let images: URL
    /// The names of the image folder and of the questions' file.
    let names: [String]

    /// Groups questions by their images and checks that every image is there.
    /// - Parameters:
    ///   - images: the folder of the images.
    ///   - path: the path of the questions' file, for errors.
    /// - Throws: ``DatasetError`` that names the file.
    public init(images: URL, questions: [Question], path: String) throws {
        self.images = images
        names = [images.lastPathComponent, URL(fileURLWithPath: path).lastPathComponent]
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: images.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw DatasetError(path: images.path, problem: "the image folder is missing, or is no folder")
        }
        guard !questions.isEmpty else { throw DatasetError(path: path, problem: "has no questions") }
        var order: [String] = []
        var byImage: [String: [Question]] = [:]
        for question in questions {
            if byImage[question.image] == nil { order.append(question.image) }
            byImage[question.image, default: []].append(question)
        }
        entries = order.map { Entry(image: $0, questions: byImage[$0] ?? []) }
        for name in order {
            if let fault = DatasetFile.fault(ofImage: name) { throw DatasetError(path: path, problem: fault) }
            guard FileManager.default.fileExists(atPath: imageURL(name).path) else {
                throw DatasetError(path: imageURL(name).path, problem: "the image is missing")
            }
        }
    }

    /// The file of an image of the data set.
    public func imageURL(_ image: String) -> URL { images.appendingPathComponent(image) }

    /// All questions, image by image.
    public var questions: [Question] { entries.flatMap(\.questions) }

    /// Training and dev questions out of one file: every `n`-th image's questions are for dev.
    /// - Throws: ``DatasetError`` that names the file, also where there are fewer than `n` images.
    public static func splitting(
        _ questions: [Question], every n: Int, images: URL, path: String
    ) throws -> (train: QuestionDataset, dev: QuestionDataset) {
        let (held, others) = split(questions, every: n)
        guard !held.isEmpty else {
            throw DatasetError(
                path: path, problem: "has too few images to keep every \(n)-th for dev; give --dev")
        }
        return (
            try QuestionDataset(images: images, questions: others, path: path),
            try QuestionDataset(images: images, questions: held, path: path)
        )
    }

    /// Splits questions by image: those of every `n`-th image, and the others.
    public static func split(_ questions: [Question], every n: Int) -> (held: [Question], others: [Question]) {
        var numbers: [String: Int] = [:]
        for question in questions where numbers[question.image] == nil { numbers[question.image] = numbers.count }
        let isHeld = { (question: Question) in (numbers[question.image] ?? 0) % n == n - 1 }
        return (questions.filter(isHeld), questions.filter { !isHeld($0) })
    }
}
