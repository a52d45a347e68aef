import Foundation
import Support
import Vision

/// One photograph of many, before it is read.
struct PhotoItem {
    /// Its place among all, from 0.
    var index = 0
    /// As the user named it; in an archive, the archive's name, a slash and the member's.
    let name: String
    let contents: Contents
    /// What is asked of this photograph alone.
    var own = OwnRequest()

    enum Contents {
        case file(URL)
        case bytes(Data)
        /// It cannot be had; the record says why.
        case missing(any Error)
    }

    /// Reads and decodes the photograph.
    /// - Throws: `ImageError`, or why it cannot be had.
    func read(_ limits: ImageLimits) throws -> PhotoFile {
        switch contents {
        case .file(let url):
            // Errors have the name apart.
            let bytes = try Timings.measure(.decoding) { try Image.readBytes(url, limits: limits) }
            return try PhotoFile(url, name: name, bytes: bytes, limits)
        case .bytes(let bytes):
            guard bytes.count <= limits.bytes else {
                throw ImageError(.tooLarge, name, "\(bytes.count >> 20) MiB; at most \(limits.bytes >> 20) are read")
            }
            return try PhotoFile(URL(fileURLWithPath: name), name: name, bytes: bytes, limits)
        case .missing(let error): throw error
        }
    }
}

/// What a line of a JSON list asks of its photograph alone, in place of what the command asks of all.
struct OwnRequest: Equatable {
    var caption: String?
    /// Words to explain.
    var words: [String]?
    var questions: [String]?
    /// Answers to explain.
    var answers: [String]?
    /// Classes to explain.
    var classes: [String]?
}

/// A line of a JSON list (`.jsonl`): a photograph's file, or its name and bytes, and what is asked of it.
struct ListLine: Decodable {
    var image: String?
    var name: String?
    /// Of the photograph's file, in base64.
    var bytes: String?
    var caption: String?
    var words: [String]?
    var question: String?
    var questions: [String]?
    var answers: [String]?
    var classes: [String]?

    /// - Parameters:
    ///   - text: the line.
    ///   - folder: the folder that names of files are relative to.
    ///   - place: "FILE, line N".
    static func item(_ text: Data, relativeTo folder: URL?, place: String) -> PhotoItem {
        func refuse(_ name: String, _ problem: String) -> PhotoItem {
            PhotoItem(name: name, contents: .missing(PhotoListError(description: "\(place): \(problem)")))
        }
        let line: ListLine
        do { line = try JSONDecoder().decode(ListLine.self, from: text) } catch {
            return refuse(place, "is no JSON object with \"image\", or \"name\" and \"bytes\"")
        }
        let own = OwnRequest(
            caption: line.caption, words: line.words,
            questions: line.questions ?? line.question.map { [$0] }, answers: line.answers, classes: line.classes)
        if let encoded = line.bytes {
            let name = line.name ?? line.image ?? place
            guard let bytes = Data(base64Encoded: encoded) else { return refuse(name, "its bytes are not base64") }
            return PhotoItem(name: name, contents: .bytes(bytes), own: own)
        }
        guard let image = line.image ?? line.name else { return refuse(place, "has neither \"image\" nor \"bytes\"") }
        return PhotoItem(name: image, contents: .file(URL(fileURLWithPath: image, relativeTo: folder)), own: own)
    }
}

/// What is wrong with a list or an archive of photographs, or with a line of one.
public struct PhotoListError: UserFacingError, Equatable {
    public static let failureCode = FailureCode.image
    public let description: String
}
