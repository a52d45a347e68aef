import Foundation
import Tasks

extension ModelError {
    /// - Throws: ``ModelError`` when a score of the model in `folder` is no number: some of its weights are none.
    static func check(_ scores: [Float], of folder: URL) throws {
        guard scores.allSatisfy(\.isFinite) else {
            throw ModelError(
                path: folder.path,
                problem: "gives scores that are no numbers; its weights are damaged, fetch them again")
        }
    }
}
