import Foundation
import Support

/// A character as strokes of a round pen. Printable ASCII is in this file, other characters are in LatinGlyphs.swift,
/// and letters with accents are composed in Accents.swift.
///
/// Each glyph has a width and a path in units of 1/20 em. The origin of y is the baseline, and y points up. Capitals
/// are 14 high, small letters 10, and descenders reach -4.5. The strokes of a path are separated by `|`. A stroke has
/// points `x,y` and elliptic arcs `@cx,cy,rx,ry,from,to`, joined by straight lines. The angles of an arc are in
/// degrees, and the arc runs counter-clockwise if `to` is larger than `from`.
struct Glyph {
    typealias Point = SIMD2<Float>

    let width: Float
    /// Straight segments. A dot is a segment of length 0.
    let segments: [(Point, Point)]

    /// The glyph of a character. White space is a space, and a character that the font does not have is a box.
    static func of(_ character: Character) -> Glyph {
        let character = character.isWhitespace ? " " : character
        return drawn(character) ?? accented(character) ?? unknown
    }

    /// Whether the font has the character.
    static func has(_ character: Character) -> Bool { drawn(character) != nil || accented(character) != nil }

    private static let unknown = Glyph("7.6; 0,0 7.6,0 7.6,13 0,13 0,0")

    /// The glyph of a character that the tables have.
    static func drawn(_ character: Character) -> Glyph? {
        glyphs.withLock { glyphs in
            if let glyph = glyphs[character] { return glyph }
            let glyph = lines[character].map { Glyph($0) }
            glyphs[character] = glyph
            return glyph
        }
    }

    /// The tables' glyphs that were asked for: a text has few of their hundreds of characters, and all of them take
    /// milliseconds.
    private static let glyphs = Mutex<[Character: Glyph]>([" ": Glyph("2.4;")])

    /// What the tables have behind each character.
    private static let lines = Dictionary(
        (table + "\n" + latinTable).split(separator: "\n").compactMap { line in
            line.first.map { ($0, line.dropFirst()) }
        }
    ) { $1 }

    init(width: Float, segments: [(Point, Point)]) {
        self.width = width
        self.segments = segments
    }

    init(_ text: Substring) {
        let parts = text.split(separator: ";", maxSplits: 1)
        width = Self.numbers(parts[0]).first ?? 0
        var segments: [(Point, Point)] = []
        for stroke in (parts.count > 1 ? parts[1] : "").split(separator: "|") {
            let points = stroke.split(separator: " ").flatMap(Self.points)
            if points.count == 1 { segments.append((points[0], points[0])) }
            segments += zip(points, points.dropFirst()).filter { pair in pair.0 != pair.1 }.map { ($0.0, $0.1) }
        }
        self.segments = segments
    }

    private static func numbers(_ text: Substring) -> [Float] {
        text.split(separator: ",").compactMap { Float($0) }
    }

    private static func points(_ token: Substring) -> [Point] {
        guard token.first == "@" else {
            let n = numbers(token)
            return n.count == 2 ? [Point(n[0], n[1])] : []
        }
        let n = numbers(token.dropFirst())
        guard n.count == 6 else { return [] }
        let steps = max(1, Int(abs(n[5] - n[4]) / 12))
        return (0...steps).map { i in
            let angle = (n[4] + (n[5] - n[4]) * Float(i) / Float(steps)) * .pi / 180
            return Point(n[0] + n[2] * cos(angle), n[1] + n[3] * sin(angle))
        }
    }

    private static let table = """
        !0; 0,14 0,4.6|0,0.2
        "3.4; 0,14 0,10.2|3.4,14 3.4,10.2
        #9.6; 3.4,14 1.6,0|8.2,14 6.4,0|0.6,9.6 9.6,9.6|0,4.6 9,4.6
        $9.2; @4.7,10.2,4,3.2,32,270 @4.6,3.7,4.6,3.3,90,-148|4.6,16 4.6,-2
        %13; @2.8,10.8,2.8,3.2,0,360|@10.2,3.2,2.8,3.2,0,360|10.4,14 2.6,0
        &10; 10,0 2.4,9.5 @4.5,11.3,2.7,2.7,220,-45 1.7,6.6 @4,3.6,4,3.6,125,310 9.8,7.2
        '0; 0,14 0,10.2
        (2.2; @5,5.7,5,10,125,235
        )2.2; @-2.8,5.7,5,10,55,-55
        *7; 3.5,14 3.5,7|0.5,12.2 6.5,8.8|0.5,8.8 6.5,12.2
        +8; 4,9.6 4,1.6|0,5.6 8,5.6
        ,1; 1,0.4 1,-0.2 0,-2.8
        -5; 0,5.2 5,5.2
        .0; 0,0.2
        /5.6; 0,-1.5 5.6,15
        08.4; @4.2,7,4.2,7,0,360
        18.4; 1,11.2 4.6,14 4.6,0
        28.4; @4.2,10,3.9,4,165,-28 0.2,0 8.4,0
        38.4; @4,10.6,3.4,3.4,150,-90 @4,3.6,4.2,3.6,90,-150
        48.4; 6.3,0 6.3,14 0,4.2 8.4,4.2
        58.4; 7.6,14 1.4,14 0.8,7.56 @4,4.6,4.2,4.6,140,-152
        68.4; @4.2,4.5,4.2,4.5,0,360|@7.4,4.9,7.4,9.1,180,98
        78.4; 0,14 8.4,14 3,0
        88.4; @4.2,10.5,3.6,3.5,0,360|@4.2,3.5,4.2,3.5,0,360
        98.4; @4.2,9.5,4.2,4.5,0,360|@1,9.1,7.4,9.1,0,-82
        :0; 0,0.2|0,8.6
        ;1; 1,0.4 1,-0.2 0,-2.8|1,8.6
        <7.6; 7.6,10.4 0,5.6 7.6,0.8
        =8; 0,7.8 8,7.8|0,3.4 8,3.4
        >7.6; 0,10.4 7.6,5.6 0,0.8
        ?7.2; @3.6,10.4,3.6,3.6,165,-50 3.7,5.8 3.7,4.4|3.7,0.2
        @13.8; @7,5.4,3,3.6,0,360|10,9 10,3.8 @11.9,3.8,1.9,2,180,345 @6.9,5.4,6.9,8.2,-5,300
        A11; 0,0 5.5,14 11,0|1.9,4.8 9.1,4.8
        B9; 0,0 0,14 4.6,14 @4.6,10.6,3.6,3.4,90,-90 0,7.2|4.6,7.2 @4.8,3.6,4.2,3.6,90,-90 0,0
        C10.6; @6,7,6,7,48,312
        D10; 0,0 0,14 3.6,14 @3.6,7,6.4,7,90,-90 0,0
        E8.2; 8,14 0,14 0,0 8.2,0|0,7.3 7,7.3
        F8; 8,14 0,14 0,0|0,7 6.8,7
        G11.2; @6,7,6,7,48,330 11.2,6.6 6.8,6.6
        H10; 0,14 0,0|10,14 10,0|0,7.2 10,7.2
        I0; 0,14 0,0
        J5.6; 5.6,14 5.6,3.8 @2.6,3.8,3,3.8,0,-160
        K9.2; 0,14 0,0|8.8,14 0.2,5|3.4,8.3 9.2,0
        L7.6; 0,14 0,0 7.6,0
        M12; 0,0 0,14 6,3.5 12,14 12,0
        N10; 0,0 0,14 10,0 10,14
        O12.4; @6.2,7,6.2,7,0,360
        P8.8; 0,0 0,14 4.8,14 @4.8,10.2,4,3.8,90,-90 0,6.4
        Q12.4; @6.2,7,6.2,7,0,360|7.6,3.4 11.8,-1
        R9.2; 0,0 0,14 4.8,14 @4.8,10.2,4,3.8,90,-90 0,6.4|4.8,6.4 9.2,0
        S9.2; @4.7,10.5,4.1,3.5,32,270 @4.6,3.5,4.6,3.5,90,-148
        T10; 0,14 10,14|5,14 5,0
        U9.6; 0,14 0,4.8 @4.8,4.8,4.8,4.8,180,360 9.6,14
        V10.4; 0,14 5.2,0 10.4,14
        W15.6; 0,14 3.9,0 7.8,13.4 11.7,0 15.6,14
        X9.6; 0,14 9.6,0|9.6,14 0,0
        Y10; 0,14 5,7 10,14|5,7 5,0
        Z9.2; 0,14 9,14 0,0 9.2,0
        [3.2; 3.2,15 0,15 0,-3 3.2,-3
        \\5.6; 0,15 5.6,-1.5
        ]3.2; 0,15 3.2,15 3.2,-3 0,-3
        ^7.2; 0,9 3.6,14 7.2,9
        _8; 0,-2.6 8,-2.6
        `2.4; 0,14.5 2.4,11.8
        a7.6; @4,6.8,3.5,3.2,155,0 7.5,0|7.5,5.8 3,5.8 @3,2.9,3,2.9,90,270 @3,3.8,4.5,3.8,270,350
        b8; 0,15 0,0|@4,5,4,5,0,360
        c7; @4,5,4,5,45,315
        d8; 8,15 8,0|@4,5,4,5,0,360
        e8; 0.1,5.2 7.9,5.2 @4,5,3.95,5,3,318
        f5.2; @5,11.6,2.8,3.4,75,180 2.2,0|0,10 5,10
        g8; @4,5,4,5,0,360|8,10 8,-0.8 @4.2,-0.8,3.8,3.7,0,-140
        h7.6; 0,15 0,0|@3.8,6.3,3.8,3.7,180,0 7.6,0
        i0; 0,10 0,0|0,13.8
        j2; 2,10 2,-1.4 @-0.6,-1.4,2.6,3.1,0,-80|2,13.8
        k7.3; 0,15 0,0|7,10 0.2,3.9|2.7,6.1 7.3,0
        l2.4; 0,15 0,2.4 @2.4,2.4,2.4,2.4,180,270
        m12.4; 0,10 0,0|@3.1,6.9,3.1,3.1,180,0 6.2,0|@9.3,6.9,3.1,3.1,180,0 12.4,0
        n7.6; 0,10 0,0|@3.8,6.3,3.8,3.7,180,0 7.6,0
        o8; @4,5,4,5,0,360
        p8; 0,10 0,-4.5|@4,5,4,5,0,360
        q8; 8,10 8,-4.5|@4,5,4,5,0,360
        r5; 0,10 0,0|@3.6,6.2,3.6,3.8,180,62
        s6.8; @3.4,7.5,3,2.5,35,270 @3.4,2.5,3.4,2.5,90,-145
        t5.6; 2.2,13.4 2.2,2.8 @5,2.8,2.8,2.8,180,285|0,10 5.4,10
        u7.6; 0,10 0,3.7 @3.8,3.7,3.8,3.7,180,360 7.6,10|7.6,10 7.6,0
        v7.8; 0,10 3.9,0 7.8,10
        w12; 0,10 3,0 6,9.6 9,0 12,10
        x7.2; 0,10 7.2,0|7.2,10 0,0
        y7.8; 0,10 4,0|7.8,10 3.2,-2.2 @0.6,-1.4,2.8,3.1,-20,-95
        z7.2; 0,10 7,10 0,0 7.2,0
        {3.6; @3.6,13,1.8,2,90,180 1.8,8 0,6 1.8,4 @3.6,-1,1.8,2,180,270
        |0; 0,16 0,-3.5
        }3.6; @0,13,1.8,2,90,0 1.8,8 3.6,6 1.8,4 @0,-1,1.8,2,0,-90
        ~8.6; 0,4.4 1,6 2.4,6.5 4,5.8 5.4,4.9 6.8,4.6 8,5.4 8.6,6.8
        """
}
