import Vision
import XCTest

@testable import Explain

/// Photographs whose shape a model's input does not suit.
final class ViewWarningTests: XCTestCase {
    private func warning(
        _ fit: Preprocessing.Fit, _ w: Int, _ h: Int, width: Int = 224, height: Int = 224, resizeShortSide: Int? = nil,
        squashedSide: Int? = nil, nativeSmallest: Int? = nil
    ) -> String? {
        Preprocessing(
            width: width, height: height, fit: fit, resizeShortSide: resizeShortSide,
            squashedSide: squashedSide, nativeSmallest: nativeSmallest, filter: .bilinear, mean: [0, 0, 0],
            std: [1, 1, 1]
        ).viewWarning(photoWidth: w, photoHeight: h)
    }

    func testViewWarning_ofASquashedPanorama_saysHowMuch() {
        XCTAssertEqual(
            warning(.squash, 2000, 400),
            "the photograph is 5.0 times as wide as high; the model sees it squashed to a square; crop it to what "
                + "matters")
        XCTAssertEqual(
            warning(.squash, 300, 900),
            "the photograph is 3.0 times as high as wide; the model sees it squashed to a square; crop it to what "
                + "matters")
        XCTAssertEqual(
            warning(.squash, 400, 400, width: 300, height: 100),
            "the photograph is 1.0 times as wide as high; the model sees it squashed to 300x100 pixels; crop it to "
                + "what matters")
    }

    func testViewWarning_ofASquashedPhotograph_beginsAtTwoTimes() {
        XCTAssertNil(warning(.squash, 1999, 1000))
        XCTAssertNotNil(warning(.squash, 2000, 1000))
        XCTAssertNotNil(warning(.squash, 1000, 2000))
        XCTAssertNil(warning(.squash, 1, 1))
        // The input is as wide as the photograph.
        XCTAssertNil(warning(.squash, 900, 300, width: 300, height: 100))
        // Squashed to a square, of which a wide part is cropped.
        XCTAssertEqual(
            warning(.squash, 900, 300, width: 300, height: 100, squashedSide: 320)?.contains("3.0 times as wide"), true)
        XCTAssertNil(warning(.squash, 300, 300, width: 300, height: 100, squashedSide: 320))
    }

    func testViewWarning_ofAPhotographAtItsOwnSize_isOfStretchingOnly() {
        XCTAssertNil(warning(.native, 3000, 300))
        XCTAssertNil(warning(.native, 300, 40, nativeSmallest: 75))
        XCTAssertEqual(
            warning(.native, 300, 30, nativeSmallest: 75),
            "the photograph of 300x30 pixels is too narrow for the model, which sees it stretched to 300x75 pixels; "
                + "crop it to what matters")
    }

    func testViewWarning_ofACroppedPanorama_saysWhatIsSeen() {
        XCTAssertEqual(
            warning(.crop, 1000, 200),
            "the model sees only the middle 20 % of the photograph; crop it to what matters")
        XCTAssertNil(warning(.crop, 400, 200))
        XCTAssertNotNil(warning(.crop, 402, 200))
        // 224 of 256 pixels both ways, of 256 x 341: 57 %; of 256 x 455: 43 %.
        XCTAssertNil(warning(.crop, 400, 300, resizeShortSide: 256))
        XCTAssertEqual(
            warning(.crop, 1600, 900, resizeShortSide: 256)?.contains("the middle 43 %"), true)
    }
}
