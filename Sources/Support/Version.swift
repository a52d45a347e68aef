public enum Version { public static let tool = "mmx 0.1.0" }
