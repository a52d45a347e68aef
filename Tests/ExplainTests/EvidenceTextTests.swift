import Drawing
import Foundation
import XCTest

@testable import Explain

/// How strongly a map is drawn by its evidence, and what is written across a picture that shows nothing.
final class EvidenceTextTests: XCTestCase {
    func testStrength_byEvidenceAndRegions() {
        func strength(_ evidence: Float?, regions: Float? = nil) -> Float {
            Evidence(evidence: evidence, regions: regions).strength
        }
        XCTAssertEqual(strength(log(4)), 0.75, accuracy: 1e-6)
        XCTAssertEqual(strength(log(4), regions: 3), 0.75, accuracy: 1e-6)
        // The regions lower the odds by less than a fifth: the map still shows what speaks for the word.
        XCTAssertEqual(strength(log(4), regions: -0.2), 0.75, accuracy: 1e-6)
        // Whatever the image says as a whole, the regions that the map shows speak against the word.
        XCTAssertEqual(strength(log(4), regions: -1), 0)
        XCTAssertEqual(strength(-1, regions: 3), 0)
        XCTAssertEqual(strength(0), 0)
        XCTAssertEqual(strength(nil), 1)
        XCTAssertEqual(strength(nil, regions: -1), 1)
    }

    func testShade_isTheStrengthOfWhatIsForAndTheSameBelowZeroOfWhatIsAgainst() {
        XCTAssertEqual(Evidence(evidence: log(4)).shade, 0.75, accuracy: 1e-6)
        XCTAssertEqual(Evidence(evidence: -log(4)).shade, -0.75, accuracy: 1e-6)
        XCTAssertEqual(Evidence(evidence: 0).shade, 0)
        XCTAssertEqual(Evidence().shade, 0)
    }

    private func note(
        _ evidence: Float?, regions: Float? = nil, _ part: LanguagePart = .sentence(isFirst: false),
        rival: String? = nil
    ) -> String? {
        Evidence(evidence: evidence, regions: regions).drawn(isAgainst: false, part, rival: rival).note
    }

    func testNote_saysWhyAPictureShowsNothing() {
        XCTAssertEqual(note(0.05), "follows from the words before it")
        XCTAssertEqual(note(0.05, .sentence(isFirst: true)), "follows from how captions begin")
        XCTAssertEqual(note(0.05, .question), "follows from the question")
        XCTAssertEqual(note(2, regions: -1), "the regions speak against it")
        XCTAssertEqual(note(-0.5), "the image speaks against it")
        XCTAssertNil(note(2))
        XCTAssertNil(note(nil))
    }

    func testNote_ofAContrast_namesTheOther() {
        XCTAssertEqual(note(0.05, rival: "man"), "the image does not decide")
        XCTAssertEqual(note(2, regions: -1, rival: "man"), "the regions speak for 'man'")
        XCTAssertEqual(note(-0.5, rival: "man"), "the image speaks for 'man'")
        XCTAssertNil(note(2, rival: "man"))
    }

    func testDrawn_ofWhatSpeaksAgainst_isDrawnInFull() {
        let drawn = Evidence(evidence: -3, regions: -1).drawn(isAgainst: true, .question, rival: nil)
        XCTAssertEqual(drawn.strength, 1)
        XCTAssertTrue(drawn.isAgainst)
        XCTAssertNil(drawn.note)
        XCTAssertFalse(drawn.isMeasured)
        XCTAssertEqual(
            Evidence(evidence: log(4)).drawn(isAgainst: false, nil, rival: nil).strength, 0.75, accuracy: 1e-6)
    }
}
