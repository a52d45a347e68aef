import Foundation
import XCTest

@testable import Vision

final class PlacementTests: XCTestCase {
    private func preprocessing(
        _ fit: Preprocessing.Fit, _ width: Int = 56, _ height: Int = 56, short: Int? = nil,
        filter: ResizeFilter = .bilinear
    ) -> Preprocessing {
        Preprocessing(
            width: width, height: height, fit: fit, resizeShortSide: short, filter: filter, mean: [127, 127, 127],
            std: [128, 128, 128])
    }

    private static let sizes = [
        (900, 300), (300, 900), (101, 57), (57, 101), (640, 480), (224, 224), (33, 97), (600, 31),
    ]

    func testPreprocessing_withCrop_matchesTorchvision() throws {
        let expected = try ImagingCases.expected()
        for item in try ImagingCases.load().cropped {
            let prepared = preprocessing(.crop, item.width, item.height, short: item.short, filter: item.filter)
                .prepare(try ImagingCases.image(item.file))
            let pixels = expected[item.offset..<item.offset + item.width * item.height * 3]
            XCTAssertLessThanOrEqual(difference(prepared.frame, pixels), 1, "\(item.file) \(item.filter)")
        }
    }

    private func squashed(
        _ width: Int, _ height: Int, side: Int, filter: ResizeFilter = .bilinear
    ) -> Preprocessing {
        Preprocessing(
            width: width, height: height, fit: .squash, squashedSide: side, filter: filter, mean: [127, 127, 127],
            std: [128, 128, 128])
    }

    func testPreprocessing_squashedBeforeACrop_equalsPillow() throws {
        let expected = try ImagingCases.expected(), cases = try ImagingCases.load().squashed
        XCTAssertEqual(cases.count, 16)
        for item in cases {
            let prepared = squashed(item.width, item.height, side: item.side, filter: item.filter)
                .prepare(try ImagingCases.image(item.file))
            let pixels = expected[item.offset..<item.offset + item.width * item.height * 3]
            XCTAssertEqual(difference(prepared.frame, pixels), 0, "\(item.file) \(item.filter)")
        }
    }

    func testPlacement_squashedBeforeACrop_isTheMiddleOfEachSide() {
        let even = squashed(224, 224, side: 256).placement(originalWidth: 512, originalHeight: 1024)
        XCTAssertEqual(even.rectangle, Rectangle(x0: 32, y0: 64, x1: 480, y1: 960))
        // The odd margin of 47 is 23 to the left and 24 to the right.
        let odd = squashed(299, 299, side: 346).placement(originalWidth: 346, originalHeight: 692)
        XCTAssertEqual(odd.rectangle, Rectangle(x0: 23, y0: 46, x1: 322, y1: 644))
        XCTAssertEqual([odd.modelWidth, odd.modelHeight], [299, 299])
        // As large as the input: nothing is cut off.
        XCTAssertEqual(
            squashed(20, 20, side: 20).placement(originalWidth: 7, originalHeight: 3).rectangle,
            Rectangle(x0: 0, y0: 0, x1: 7, y1: 3))
    }

    func testPreprocessing_atThePhotographsOwnSize_keepsItsPixels() throws {
        let native = Preprocessing(
            width: 64, height: 64, fit: .native, nativeLimit: 100, nativeSmallest: 8, filter: .bilinear,
            mean: [0, 0, 0], std: [1, 1, 1])
        XCTAssertFalse(native.hasOneSize)
        let photo = try ImagingCases.image("crop53x47.png")
        let prepared = native.prepare(photo)
        XCTAssertEqual(prepared.frame, photo)
        XCTAssertEqual(prepared.tensor.shape, [1, 47, 53, 3])
        XCTAssertEqual(prepared.tensor.array, photo.pixels.map(Float.init))
        // Larger ones are shrunk, smaller sides are stretched; the whole photograph is always seen.
        for (w, h, width, height) in [
            (100, 100, 100, 100), (101, 57, 100, 56), (57, 202, 28, 100), (3000, 1, 100, 8), (1, 1, 8, 8),
            (5, 90, 8, 90),
        ] {
            let placement = native.placement(originalWidth: w, originalHeight: h)
            XCTAssertEqual([placement.modelWidth, placement.modelHeight], [width, height], "\(w)x\(h)")
            XCTAssertEqual(placement.rectangle, Rectangle(x0: 0, y0: 0, x1: Double(w), y1: Double(h)))
            let prepared = native.prepare(Image(width: w, height: h))
            XCTAssertEqual(prepared.tensor.shape, [1, height, width, 3])
            XCTAssertEqual(prepared.placement, placement)
        }
        XCTAssertEqual(placementOfDefault(2048, 1000), [1024, 500])
    }

    private func placementOfDefault(_ w: Int, _ h: Int) -> [Int] {
        let placement = preprocessing(.native).placement(originalWidth: w, originalHeight: h)
        return [placement.modelWidth, placement.modelHeight]
    }

    func testPreprocessing_ofOneColour_normalisesEachChannel() {
        let preprocessing = Preprocessing(
            width: 2, height: 3, fit: .squash, filter: .bicubic, mean: [127, 0, 10], std: [128, 255, 2])
        let prepared = preprocessing.prepare(Image(width: 9, height: 9, color: (255, 51, 0)))
        XCTAssertEqual(prepared.tensor.shape, [1, 3, 2, 3])
        XCTAssertEqual(prepared.tensor.array, [Float](repeating: 0, count: 6).flatMap { _ in [1, 0.2, -5] as [Float] })
    }

    /// The rectangle that the model sees, computed independently.
    private func seen(_ p: Preprocessing, _ w: Double, _ h: Double) -> Rectangle {
        if let side = p.squashedSide {
            let (across, down) = (Double(p.width) / Double(side), Double(p.height) / Double(side))
            return Rectangle(
                x0: w * (1 - across) / 2, y0: h * (1 - down) / 2, x1: w * (1 + across) / 2, y1: h * (1 + down) / 2)
        }
        if p.fit != .crop { return Rectangle(x0: 0, y0: 0, x1: w, y1: h) }
        let scale = p.resizeShortSide.map { min(w, h) / Double($0) } ?? min(w / Double(p.width), h / Double(p.height))
        let a = scale * Double(p.width), b = scale * Double(p.height)
        return Rectangle(x0: (w - a) / 2, y0: (h - b) / 2, x1: (w + a) / 2, y1: (h + b) / 2)
    }

    func testPlacement_ofAMapWithOneActiveCell_putsItWhereTheModelSawIt() {
        let variants = [
            preprocessing(.squash), preprocessing(.squash, 64, 40), preprocessing(.crop), preprocessing(.crop, 40, 64),
            preprocessing(.crop, short: 64), squashed(40, 64, side: 70), preprocessing(.native),
        ]
        let (u, v) = (7, 5)
        for p in variants {
            for (w, h) in Self.sizes {
                let placement = p.placement(originalWidth: w, originalHeight: h)
                let frame = seen(p, Double(w), Double(h))
                for (column, row) in [(0, 0), (6, 0), (3, 2), (1, 4), (6, 4), (5, 1)] {
                    var map = [Float](repeating: 0, count: u * v)
                    map[row * u + column] = 1
                    let placed = placement.toOriginal(map, width: u, height: v)
                    XCTAssertEqual([placed.width, placed.height], [w, h])
                    let cellWidth = frame.width / Double(u), cellHeight = frame.height / Double(v)
                    let centre = (
                        frame.x0 + (Double(column) + 0.5) * cellWidth, frame.y0 + (Double(row) + 0.5) * cellHeight
                    )
                    let about = "\(p.fit) \(p.width)x\(p.height) on \(w)x\(h), cell \(column),\(row)"
                    // torchvision rounds the resized size and the margin: up to one pixel of that size each.
                    let slack = p.resizeShortSide.map { 1.5 * Double(min(w, h)) / Double($0) } ?? 1e-6
                    var best: Float = -1, sum = 0.0
                    for y in 0..<h {
                        for x in 0..<w {
                            let value = placed.values[y * w + x]
                            best = max(best, value)
                            sum += Double(value)
                            let (dx, dy) = (abs(Double(x) + 0.5 - centre.0), abs(Double(y) + 0.5 - centre.1))
                            if value > 0 {
                                // The filter is two cells wide, and a pixel wider if there are more cells than pixels.
                                XCTAssertLessThanOrEqual(dx, max(cellWidth, 1) + slack + 1, about)
                                XCTAssertLessThanOrEqual(dy, max(cellHeight, 1) + slack + 1, about)
                            }
                            // Within a tenth of a cell of the centre, the map is near its maximum.
                            if dx + slack < cellWidth / 10 && dy + slack < cellHeight / 10 {
                                XCTAssertGreaterThan(value, 0.75, about)
                            }
                            let inside =
                                x >= Int(frame.x0 - slack) && Double(x) < frame.x1 + slack
                                && y >= Int(frame.y0 - slack) && Double(y) < frame.y1 + slack
                            if !inside && value != 0 { return XCTFail("\(about): \(value) at \(x),\(y), outside") }
                        }
                    }
                    XCTAssertGreaterThan(best, 0.3, about)
                    // The sum over one cell; larger at the borders, where the edge is extended.
                    XCTAssertGreaterThan(sum, 0.8 * cellWidth * cellHeight, about)
                    XCTAssertLessThan(sum, 1.7 * cellWidth * cellHeight + 4, about)
                }
            }
        }
    }

    /// Tests with pixels instead of formulas: paints a cell's rectangle in the photograph, preprocesses it, and finds
    /// the paint in the model's frame.
    func testPlacementCell_paintedInThePhotograph_isPreparedIntoThatCell() {
        for p in [
            preprocessing(.squash), preprocessing(.crop), preprocessing(.crop, 48, 64), preprocessing(.crop, short: 70),
            squashed(48, 64, side: 70),
        ] {
            for (w, h) in [(900, 300), (300, 900), (501, 257), (257, 501)] {
                let placement = p.placement(originalWidth: w, originalHeight: h)
                for (column, row) in [(0, 0), (3, 2), (6, 4), (5, 1)] {
                    let cell = placement.cell(column: column, row: row, columns: 7, rows: 5)
                    var image = Image(width: w, height: h)
                    for y in Int(cell.y0.rounded())..<Int(cell.y1.rounded()) {
                        for x in Int(cell.x0.rounded())..<Int(cell.x1.rounded()) { image.pixels[(y * w + x) * 3] = 255 }
                    }
                    let frame = p.prepare(image).frame
                    var (sum, sumX, sumY) = (0.0, 0.0, 0.0)
                    for y in 0..<p.height {
                        for x in 0..<p.width {
                            let red = Double(frame.pixels[(y * p.width + x) * 3])
                            sum += red
                            sumX += red * (Double(x) + 0.5)
                            sumY += red * (Double(y) + 0.5)
                        }
                    }
                    XCTAssertEqual(
                        sumX / sum, (Double(column) + 0.5) * Double(p.width) / 7, accuracy: 0.6, "\(p.fit) \(w)x\(h)")
                    XCTAssertEqual(
                        sumY / sum, (Double(row) + 0.5) * Double(p.height) / 5, accuracy: 0.6, "\(p.fit) \(w)x\(h)")
                }
            }
        }
    }

    func testPlacement_ofPointsAndBoxes_convertsThereAndBack() {
        for p in [preprocessing(.squash), preprocessing(.crop), preprocessing(.crop, short: 60)] {
            for (w, h) in Self.sizes {
                let placement = p.placement(originalWidth: w, originalHeight: h)
                let box = Rectangle(x0: 3, y0: 4.5, x1: 17.25, y1: 50)
                let back = placement.toModel(placement.toOriginal(box))
                XCTAssertEqual(back.x0, box.x0, accuracy: 1e-9)
                XCTAssertEqual(back.y0, box.y0, accuracy: 1e-9)
                XCTAssertEqual(back.x1, box.x1, accuracy: 1e-9)
                XCTAssertEqual(back.y1, box.y1, accuracy: 1e-9)
                XCTAssertEqual(placement.toModel(placement.rectangle).x1, Double(p.width), accuracy: 1e-9)
            }
        }
        let panorama = preprocessing(.crop).placement(originalWidth: 900, originalHeight: 300)
        XCTAssertEqual(panorama.rectangle, Rectangle(x0: 300, y0: 0, x1: 600, y1: 300))
        XCTAssertEqual(panorama.toOriginal(x: 28, y: 14).x, 450)
        XCTAssertEqual(panorama.toOriginal(x: 28, y: 14).y, 75)
        XCTAssertEqual(panorama.cell(column: 6, row: 0, columns: 7, rows: 5).x1, 600, accuracy: 1e-9)
    }

    func testPlacement_ofAMapFinerThanThePhotograph_averages() {
        let placement = preprocessing(.squash).placement(originalWidth: 4, originalHeight: 2)
        let map = (0..<64 * 64).map { Float($0 % 2) }
        for value in placement.toOriginal(map, width: 64, height: 64).values {
            XCTAssertEqual(value, 0.5, accuracy: 0.02)
        }
    }

    func testPreprocessing_ofThinImages_works() {
        for p in [preprocessing(.squash), preprocessing(.crop, 40, 64), preprocessing(.crop, 64, 40, short: 80)] {
            for (w, h) in [(1, 1), (3000, 1), (1, 3000), (2, 2)] {
                let prepared = p.prepare(Image(width: w, height: h, color: (255, 127, 0)))
                XCTAssertEqual(prepared.frame.pixels.prefix(3), [255, 127, 0])
                let placed = prepared.placement.toOriginal([1, 1, 1, 1], width: 2, height: 2)
                XCTAssertEqual(placed.values.max() ?? 0, 1, accuracy: 1e-6)
            }
        }
    }

    func testPreprocessing_decodedFromJSON_refusesInvalidValues() throws {
        let p = preprocessing(.crop, 224, 200, short: 256, filter: .bicubic)
        let json = try JSONEncoder().encode(p)
        XCTAssertEqual(try JSONDecoder().decode(Preprocessing.self, from: json), p)
        let good =
            #"{"width":224,"height":224,"fit":"squash","filter":"bicubic","mean":[127,127,127],"std":[128,128,128]}"#
        XCTAssertEqual(try JSONDecoder().decode(Preprocessing.self, from: Data(good.utf8)).width, 224)
        for (from, to, word) in [
            (#""width":224"#, #""width":0"#, "0x224"), (#""height":224"#, #""height":1000000"#, "1000000"),
            ("[128,128,128]", "[128,0,128]", "std"), ("[127,127,127]", "[127]", "mean"),
            (#""fit":"squash""#, #""fit":"squash","resizeShortSide":256"#, "resizeShortSide"),
            (#""fit":"squash""#, #""fit":"crop","resizeShortSide":100"#, "resizeShortSide"),
            (#""fit":"squash""#, #""fit":"squash","squashedSide":223"#, "squashedSide"),
            (#""fit":"squash""#, #""fit":"squash","squashedSide":100000"#, "squashedSide"),
            (#""fit":"squash""#, #""fit":"crop","squashedSide":256"#, "squashedSide"),
            (#""fit":"squash""#, #""fit":"squash","nativeLimit":256"#, "nativeLimit"),
            (#""fit":"squash""#, #""fit":"native","nativeLimit":0"#, "nativeLimit"),
            (#""fit":"squash""#, #""fit":"native","nativeLimit":100000"#, "nativeLimit"),
            (#""fit":"squash""#, #""fit":"native","nativeLimit":64,"nativeSmallest":65"#, "nativeSmallest"),
            (#""fit":"squash""#, #""fit":"native","nativeSmallest":0"#, "nativeSmallest"),
            (#""fit":"squash""#, #""fit":"stretch""#, "stretch"), (#""filter":"bicubic","#, "", "filter"),
        ] {
            let bad = good.replacingOccurrences(of: from, with: to)
            XCTAssertNotEqual(bad, good)
            XCTAssertThrowsError(try JSONDecoder().decode(Preprocessing.self, from: Data(bad.utf8)), to) {
                XCTAssertTrue("\($0)".contains(word), "\($0) lacks \(word)")
            }
        }
    }

    /// The configurations of older models stay as they are, byte for byte.
    func testPreprocessing_encoded_hasOnlyTheValuesThatAreSet() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        for (value, text) in [
            (
                preprocessing(.crop, 20, 10, short: 30),
                #"{"filter":"bilinear","fit":"crop","height":10,"mean":[127,127,127],"resizeShortSide":30,"#
                    + #""std":[128,128,128],"width":20}"#
            ),
            (
                preprocessing(.squash, 20, 10, filter: .lanczos),
                #"{"filter":"lanczos","fit":"squash","height":10,"mean":[127,127,127],"std":[128,128,128],"width":20}"#
            ),
            (
                squashed(20, 10, side: 21),
                #"{"filter":"bilinear","fit":"squash","height":10,"mean":[127,127,127],"squashedSide":21,"#
                    + #""std":[128,128,128],"width":20}"#
            ),
            (
                preprocessing(.native, 20, 10, filter: .nearest),
                #"{"filter":"nearest","fit":"native","height":10,"mean":[127,127,127],"nativeLimit":1024,"#
                    + #""nativeSmallest":1,"std":[128,128,128],"width":20}"#
            ),
        ] {
            XCTAssertEqual(String(decoding: try encoder.encode(value), as: UTF8.self), text)
            XCTAssertEqual(try JSONDecoder().decode(Preprocessing.self, from: Data(text.utf8)), value)
        }
        let short =
            #"{"filter":"nearest","fit":"native","height":10,"mean":[127,127,127],"std":[128,128,128],"width":20}"#
        XCTAssertEqual(
            try JSONDecoder().decode(Preprocessing.self, from: Data(short.utf8)),
            preprocessing(.native, 20, 10, filter: .nearest))
    }
}
