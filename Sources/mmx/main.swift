print("mmx")
