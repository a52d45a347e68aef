import Foundation
import XCTest

/// The articles of Explain.docc quote the programs in Examples as they are. A comment before each excerpt names its
/// file.
final class ArticleTests: XCTestCase {
    private static let repository = URL(fileURLWithPath: "\(#filePath)").deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    func testArticles_excerptsOfExamples_standInTheExamples() throws {
        let catalogue = Self.repository.appendingPathComponent("Sources/Explain/Explain.docc")
        let articles = try FileManager.default.contentsOfDirectory(at: catalogue, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "md" }
        var count = 0
        for article in articles {
            let parts = try String(contentsOf: article, encoding: .utf8).components(separatedBy: "<!-- Examples/")
            for part in parts.dropFirst() {
                let name = try XCTUnwrap(part.components(separatedBy: " -->").first)
                let code = try XCTUnwrap(part.components(separatedBy: "```swift\n").dropFirst().first)
                let excerpt = try XCTUnwrap(code.components(separatedBy: "```").first)
                let example = Self.repository.appendingPathComponent("Examples/\(name)")
                XCTAssertTrue(
                    try String(contentsOf: example, encoding: .utf8).contains(excerpt),
                    "\(article.lastPathComponent) quotes what is not in Examples/\(name):\n\(excerpt)")
                count += 1
            }
        }
        XCTAssertEqual(count, 7)
    }
}
